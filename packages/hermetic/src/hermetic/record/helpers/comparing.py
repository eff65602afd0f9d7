"""
An assertion that says what it knows.
"""

from __future__ import annotations

import difflib
import pprint
from typing import Any, Final

_NOTHING: Final[Any] = object()
_MOST_LINES: Final = 40


def assert_with_context(
    condition: object, message: str, *, expected: Any = _NOTHING, actual: Any = _NOTHING, **context: Any
) -> None:
    """
    Fail with `message`, a readable comparison of what was expected and what is, and whatever else is given.

    Nothing is formatted when `condition` holds.

    Raises:
        AssertionError: `condition` is false.
    """
    __tracebackhide__ = True
    if condition:
        return
    lines = [message]
    if expected is not _NOTHING and actual is not _NOTHING:
        lines += _comparison(expected, actual)
    elif expected is not _NOTHING:
        lines.append(f"  expected: {_shown(expected)}")
    elif actual is not _NOTHING:
        lines.append(f"  actual:   {_shown(actual)}")
    lines += [f"  {name} = {_shown(value)}" for name, value in context.items()]
    raise AssertionError("\n".join(lines))


def _comparison(expected: Any, actual: Any) -> list[str]:
    before, after = _shown(expected).splitlines(), _shown(actual).splitlines()
    if len(before) == len(after) == 1:
        return [f"  expected: {before[0]}", f"  actual:   {after[0]}", *_apart(expected, actual)]
    rows = [row for row in difflib.ndiff(before, after) if not row.startswith("?")]
    more = [f"  … {len(rows) - _MOST_LINES} more lines"] if len(rows) > _MOST_LINES else []
    return ["  expected (-) and actual (+):", *(f"  {row}" for row in rows[:_MOST_LINES]), *more]


def _apart(expected: Any, actual: Any) -> list[str]:
    # Where two short values differ: by key, by place, or by character.
    if isinstance(expected, dict) and isinstance(actual, dict):
        gone = [f"  missing:  {_shown(key)}" for key in expected if key not in actual]  # pyright: ignore[reportUnknownVariableType]  # of any keys
        more = [f"  too much: {_shown(key)}" for key in actual if key not in expected]  # pyright: ignore[reportUnknownVariableType]  # as above
        other = [
            f"  differs:  {_shown(key)}: {_shown(expected[key])} → {_shown(actual[key])}"
            for key in expected  # pyright: ignore[reportUnknownVariableType]  # as above
            if key in actual and expected[key] != actual[key]
        ]
        return (other + gone + more)[:_MOST_LINES]
    if isinstance(expected, str | list | tuple) and type(expected) is type(actual):  # pyright: ignore[reportUnknownArgumentType]  # of anything
        same = next((at for at, (one, two) in enumerate(zip(expected, actual, strict=False)) if one != two), None)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # as above
        if same is None:
            return [f"  lengths:  {len(expected)} → {len(actual)}"]  # pyright: ignore[reportUnknownArgumentType]  # as above
        return [f"  differs from [{same}] on"]
    return []


def _shown(value: Any) -> str:
    try:
        return pprint.pformat(value, width=100, sort_dicts=False)
    except Exception as error:  # noqa: BLE001 - a broken repr must not hide the assertion
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
