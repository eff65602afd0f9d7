"""
How often and when a test is tried again: what the marker says, and the options.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, cast

import pytest

from hermetic.guard import late

if TYPE_CHECKING:
    from collections.abc import Callable

MARKER = (
    "retry(times, *, only=(), but_not=(), condition=True, delay=0.0, fixtures='function'): run a failed test again, up to "
    "`times` times; `only` and `but_not` name exception classes or 'infrastructure', 'assertion', 'error'; `delay` is in "
    "seconds, fixtures='all' sets up higher-scoped fixtures anew too"
)
# Loaded when a test failed, or an option or a marker names errors.
_NATURE = "hermetic.record.history.nature"
_ARGUMENTS = {"times", "only", "but_not", "condition", "delay", "fixtures"}


class Retry:
    """
    How often and when one test is tried again.

    Args:
        times: after the first try.
        only: exception classes; empty for every exception.
        but_not: exception classes that are never tried again.
        natures: "infrastructure", "assertion" or "error", as in `hermetic.record.history.nature`; an exception of one of them
            is tried again as one of `only` is.
        but_natures: those that are never tried again.
        like: patterns, one of which must be found in "ValueError: its text"; empty for every exception.
        unlike: patterns of which none may be found there.
        delay: before the next try, in seconds.
        is_thorough: fixtures of every scope are set up anew.
    """

    # Written out: a dataclass costs every run a millisecond at its start.
    __slots__ = ("but_natures", "but_not", "delay", "is_thorough", "like", "natures", "only", "times", "unlike")

    def __init__(
        self,
        *,
        times: int = 0,
        only: tuple[type[BaseException], ...] = (),
        but_not: tuple[type[BaseException], ...] = (),
        natures: frozenset[str] = frozenset(),
        but_natures: frozenset[str] = frozenset(),
        like: tuple[str, ...] = (),
        unlike: tuple[str, ...] = (),
        delay: float = 0.0,
        is_thorough: bool = False,
    ) -> None:
        self.times = times
        self.only = only
        self.but_not = but_not
        self.natures = natures
        self.but_natures = but_natures
        self.like = like
        self.unlike = unlike
        self.delay = delay
        self.is_thorough = is_thorough

    def is_for(self, raised: BaseException | None) -> bool:
        """
        Whether a test that raised this is tried again. None is a failure without an exception, such as a lost worker.
        """
        return self._is_wanted(raised) and not self._is_excluded(raised)

    def _is_wanted(self, raised: BaseException | None) -> bool:
        if not (self.only or self.natures or self.like):
            return True
        return isinstance(raised, self.only) or _nature_of(raised) in self.natures or _says(raised, self.like)

    def _is_excluded(self, raised: BaseException | None) -> bool:
        return isinstance(raised, self.but_not) or _nature_of(raised) in self.but_natures or _says(raised, self.unlike)


def _nature_of(raised: BaseException | None) -> str:
    return str(late.load(_NATURE).nature_of(raised))


def _says(raised: BaseException | None, some: tuple[str, ...]) -> bool:
    said = f"{type(raised).__name__}: {raised}"
    return any(re.search(pattern, said) for pattern in some)


def chosen(config: pytest.Config, option: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """
    What an option names: natures of failures, and patterns.

    Raises:
        pytest.UsageError: one that is no regular expression.
    """
    given = patterns(config, option)
    natures: tuple[str, ...] = late.load(_NATURE).NATURES if given else ()
    return frozenset(given).intersection(natures), tuple(one for one in given if one not in natures)


def patterns(config: pytest.Config, option: str) -> tuple[str, ...]:
    """
    Raises:
        pytest.UsageError: one that is no regular expression.
    """
    given: list[str] = config.getoption(option) or []
    for pattern in given:
        try:
            re.compile(pattern)
        except re.error as error:
            raise pytest.UsageError(f"{option}: {pattern!r} is no regular expression: {error}") from error
    return tuple(given)


def delay_of(config: pytest.Config, option: str) -> float:
    """
    Raises:
        pytest.UsageError: it is no number of seconds.
    """
    given: str | None = config.getoption(option)
    try:
        seconds = float(given or 0.0)
    except ValueError as error:
        raise pytest.UsageError(f"{option}: {given!r} must be seconds from 0 on.") from error
    if not math.isfinite(seconds) or seconds < 0:
        raise pytest.UsageError(f"{option}: {given!r} must be seconds from 0 on.")
    return seconds


def retry_of(item: pytest.Item, default: Retry) -> Retry:
    """
    What the nearest marker says, else the default.

    Raises:
        pytest.UsageError: a marker that cannot be read, with file and line.
    """
    mark = item.get_closest_marker("retry")
    if mark is None:
        return default
    path, line, _ = item.location
    where = f"the marker retry on {item.nodeid} ({path}:{(line or 0) + 1})"
    times: Any = mark.args[0] if mark.args else mark.kwargs.get("times")
    unknown = sorted(set(mark.kwargs) - _ARGUMENTS)
    if len(mark.args) > 1 or unknown:
        odd = f"unknown argument {', '.join(unknown)}" if unknown else f"{len(mark.args)} positional arguments"
        raise pytest.UsageError(f"{where}: {odd}; it is {MARKER.partition(':')[0]}.")
    if not isinstance(times, int) or isinstance(times, bool) or not 0 <= times <= 1000:
        raise pytest.UsageError(f"{where}: times = {times!r} is no count; give a whole number from 0 to 1000.")
    delay: Any = mark.kwargs.get("delay", default.delay)
    if not isinstance(delay, int | float) or isinstance(delay, bool) or not math.isfinite(delay) or delay < 0:
        raise pytest.UsageError(f"{where}: delay = {delay!r} must be seconds from 0 on.")
    fixtures: Any = mark.kwargs.get("fixtures", "function")
    if fixtures not in {"function", "all"}:
        raise pytest.UsageError(f"{where}: fixtures = {fixtures!r} must be 'function' or 'all'.")
    only, natures = _errors(mark, "only", where)
    but_not, but_natures = _errors(mark, "but_not", where)
    return Retry(
        times=times if _holds(mark, where) else 0,
        only=only,
        but_not=but_not,
        # What the marker says of errors takes the place of what the options say.
        natures=natures if only or natures else default.natures,
        but_natures=but_natures if but_not or but_natures else default.but_natures,
        like=() if only or natures else default.like,
        unlike=() if but_not or but_natures else default.unlike,
        delay=float(delay),
        is_thorough=fixtures == "all",
    )


def _errors(mark: pytest.Mark, name: str, where: str) -> tuple[tuple[type[BaseException], ...], frozenset[str]]:
    given: Any = mark.kwargs.get(name, ())
    several = cast("tuple[object, ...]", given) if isinstance(given, tuple) else (given,)
    words = [one for one in several if isinstance(one, str)]
    known: tuple[str, ...] = late.load(_NATURE).NATURES if words else ()
    classes = [one for one in several if isinstance(one, type) and issubclass(one, BaseException)]
    if len(classes) + len(words) < len(several) or not set(words) <= set(known):
        raise pytest.UsageError(
            f"{where}: {name} = {given!r} must be an exception class, 'infrastructure', 'assertion', 'error', or a tuple of "
            "them."
        )
    return tuple(classes), frozenset(words)


def _holds(mark: pytest.Mark, where: str) -> bool:
    given: Any = mark.kwargs.get("condition", True)
    if callable(given):
        asked: Callable[[], Any] = given
        given = asked()
    if not isinstance(given, bool):
        raise pytest.UsageError(f"{where}: condition = {given!r} must be True, False, or a function that returns one.")
    return given
