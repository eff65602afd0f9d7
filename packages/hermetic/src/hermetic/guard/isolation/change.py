"""
One difference between two readings of a kind of process state, and how to compare and show values safely.

The values in a process may be anything: objects whose `__eq__` or `__repr__` raises, mocks that are equal to
everything, arrays that have no truth value. So nothing here calls a method of a value that is not of a plain
built-in type, except `repr` behind a guard.
"""

from __future__ import annotations

import types
from enum import Enum
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


class Missing(Enum):
    """
    The type of `MISSING`, the value of what is not there.
    """

    MISSING = "not set"


MISSING: Final = Missing.MISSING

FAULT: Final = "fault"
"""
The variant of a change that stands for a kind which could not be compared.
"""

_PLAIN: Final = (str, bytes, int, float, bool, complex, types.NoneType, types.EllipsisType, type(MISSING))
_LONGEST_TEXT: Final = 120
_DEEPEST: Final = 8


class Change:
    """
    One thing that differs between two readings; never changed once made.

    `key` is stable within its kind, so that two changes of the same thing can be folded into one. `target` is the
    object that holds the thing, where there is one. `covers` names what a restore of this change puts back as
    well, as pairs of `id(target)` and key, so that one cause is told once; a key of None stands for all of them.
    `hints` are names of functions through which it may have come about. `variant` is a kind of its own for changes that
    policies should tell from the others of their state.
    """

    # Written out: a dataclass costs every run most of a millisecond at its start.
    __slots__ = ("after", "before", "covers", "hints", "key", "name", "note", "target", "variant")

    def __init__(
        self,
        *,
        key: Hashable,
        name: str,
        before: object,
        after: object,
        target: object = None,
        variant: str = "",
        note: str = "",
        hints: tuple[str, ...] = (),
        covers: frozenset[tuple[int, Hashable]] = frozenset(),
    ) -> None:
        self.key = key
        self.name = name
        self.before = before
        self.after = after
        self.target = target
        self.variant = variant
        self.note = note
        self.hints = hints
        self.covers = covers

    def since(self, earlier: Change) -> Change:
        """
        This change and an earlier one of the same thing as one.
        """
        return Change(
            key=self.key,
            name=self.name,
            before=earlier.before,
            after=self.after,
            target=earlier.target,
            variant=self.variant,
            note=self.note,
            hints=self.hints,
            covers=self.covers,
        )


def is_same(before: object, after: object, *, depth: int = 0) -> bool:
    """
    Whether two values are the same to anybody who looks: identical, or equal and of the same plain type.

    Never calls a method of a user's type. Containers nested deeper than eight levels count as different.
    """
    if before is after or type(before) is not type(after) or depth > _DEEPEST:
        return before is after
    if type(before) in _PLAIN:
        return before == after
    if type(before) is types.MethodType and type(after) is types.MethodType:
        return before.__self__ is after.__self__ and before.__func__ is after.__func__
    if type(before) in {list, tuple}:
        return _are_same(cast("Sequence[object]", before), cast("Sequence[object]", after), depth)
    if type(before) is dict:
        first, second = cast("dict[object, object]", before), cast("dict[object, object]", after)
        return _are_same(list(first), list(second), depth) and _are_same(
            list(first.values()), list(second.values()), depth
        )
    return False


def _are_same(before: Sequence[object], after: Sequence[object], depth: int) -> bool:
    return len(before) == len(after) and all(
        is_same(one, other, depth=depth + 1) for one, other in zip(before, after, strict=True)
    )


def text(value: object) -> str:
    """
    How a report shows a value: at most 120 characters, never raising, whatever the value's `__repr__` does.
    """
    if value is MISSING:
        return MISSING.value
    if isinstance(value, types.FunctionType):
        shown = f"function {value.__module__}.{value.__qualname__}"
    else:
        try:
            shown = repr(value)
        except Exception as error:  # noqa: BLE001 - a value's own code may raise anything
            shown = f"<{type(value).__qualname__} object, whose __repr__ raised {type(error).__qualname__}>"
    shown = " ".join(shown.split())
    return shown if len(shown) <= _LONGEST_TEXT else f"{shown[: _LONGEST_TEXT - 1]}…"
