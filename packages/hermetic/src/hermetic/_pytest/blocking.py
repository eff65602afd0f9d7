"""
Blocking as pytest needs it: its settings, and how long a callback may hold the event loop test by test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic._pytest.marks import by_name
from hermetic.guard import late
from hermetic.guard.blocking.limit import LIMIT_S
from hermetic.guard.component import Quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from hermetic.guard.blocking.component import Blocking
    from hermetic.guard.blocking.pardons import Pardon
    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.component import Verdict
    from hermetic.guard.ownership import Tenure


def add_options(parser: pytest.Parser) -> None:
    parser.addini(
        "hermetic_blocking_s", f"how many seconds a callback may hold the event loop ({LIMIT_S})", default=str(LIMIT_S)
    )
    parser.addini(
        "hermetic_blocking_allow",
        "functions that may hold it, one a line, as FUNCTION: REASON",
        type="linelist",
        default=[],
    )


def blocking(config: pytest.Config, *, owner: Callable[[], Tenure], arrivals: Arrivals) -> Awaited:
    """
    The component that finds what holds the loop; `owner` tells whose code runs in the thread that asks, `arrivals` when
    asyncio and uvloop have been imported.

    Raises:
        pytest.UsageError: a setting that cannot be read, with its source.
    """
    allowed = _allowed(config)
    limit_s = _seconds(config.getini("hermetic_blocking_s"), source=f"hermetic_blocking_s in {config.inipath}")

    def make() -> Blocking:
        made: Blocking = late.load("hermetic.guard.blocking.component").Blocking(
            owner=owner, arrivals=arrivals, limit_s=limit_s, allowed=allowed
        )
        return made

    component = Awaited(make, arrivals)
    config.pluginmanager.register(_Marks(component), "hermetic-blocking-marks")
    return component


def _allowed(config: pytest.Config) -> list[Pardon]:
    words: list[str] = config.getini("hermetic_blocking_allow")
    if not words:
        return []
    from hermetic.guard.blocking.pardons import PardonError, parse_pardon  # noqa: PLC0415 - few projects pardon

    try:
        return [parse_pardon(text, source=f"hermetic_blocking_allow in {config.inipath}") for text in words]
    except PardonError as error:
        raise pytest.UsageError(str(error)) from error


class Awaited(Quiet):
    """
    Stands in for the real component until asyncio is imported: without a loop there is nothing to hold.
    """

    name = "blocking"

    def __init__(self, make: Callable[[], Blocking], arrivals: Arrivals) -> None:
        self._make = make
        self._arrivals = arrivals
        self._real: Blocking | None = None
        self._failure: Exception | None = None
        self._limit_s: float | None = None

    def start(self) -> None:
        self._arrivals.when("asyncio", self._arrived)

    def _arrived(self, _: object) -> None:
        # Within somebody's import, which must not fail for this.
        try:
            real = self._make()
            real.start()
            real.limit(self._limit_s)
        except Exception as error:  # noqa: BLE001 - raised by `judge`
            self._failure = error
        else:
            self._real = real

    def limit(self, limit_s: float | None) -> None:
        self._limit_s = limit_s
        if self._real is not None:
            self._real.limit(limit_s)

    def entering(self, tenure: Tenure) -> None:
        if self._real is not None:
            self._real.entering(tenure)

    def judge(self, tenures: Sequence[Tenure]) -> Iterable[Verdict]:
        if self._failure is not None:
            raise self._failure
        return () if self._real is None else self._real.judge(tenures)

    def stop(self) -> None:
        if self._real is not None:
            self._real.stop()


class _Marks(Hooks):
    """
    Registers what applies the marker's `blocking=`, if any test has one.
    """

    def __init__(self, component: Awaited) -> None:
        self._component = component

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        items = by_name(session).get("hermetic", ())
        if any("blocking" in mark.kwargs for item in items for mark in item.iter_markers("hermetic")):
            session.config.pluginmanager.register(_Limits(self._component), "hermetic-blocking")


class _Limits(Hooks):
    """
    Applies the marker's `blocking=` while its test runs, set-up and teardown included.
    """

    def __init__(self, component: Awaited) -> None:
        self._component = component

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        limit_s = _marked_limit(item)
        if limit_s is None:
            return (yield)
        self._component.limit(limit_s)
        try:
            return (yield)
        finally:
            self._component.limit(None)


def _marked_limit(item: pytest.Item) -> float | None:
    for mark in item.iter_markers("hermetic"):
        if "blocking" in mark.kwargs:
            return _seconds(mark.kwargs["blocking"], source=f"blocking= in the marker hermetic on {item.nodeid}")
    return None


def _seconds(value: object, *, source: str) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 0.0
    if not 0.01 <= seconds <= 3600:
        raise pytest.UsageError(f"{source} is {value!r}: give seconds from 0.01 to 3600, for example 0.25.")
    return seconds
