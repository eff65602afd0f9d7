"""
Blocking as pytest needs it: its settings, and how long a callback may hold the event loop test by test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hermetic.guard.blocking.limit import LIMIT_S
from hermetic.guard.blocking.pardons import PardonError, parse_pardon

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from hermetic.guard.blocking.component import Blocking
    from hermetic.guard.census.arrivals import Arrivals
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


def blocking(config: pytest.Config, *, owner: Callable[[], Tenure], arrivals: Arrivals) -> Blocking:
    """
    The component that finds what holds the loop; `owner` tells whose code runs in the thread that asks, `arrivals` when
    uvloop has been imported.

    Raises:
        pytest.UsageError: a setting that cannot be read, with its source.
    """
    from hermetic.guard.blocking.component import Blocking  # noqa: PLC0415 - the settings are read in every run

    source = f"hermetic_blocking_allow in {config.inipath}"
    try:
        allowed = [parse_pardon(text, source=source) for text in config.getini("hermetic_blocking_allow")]
    except PardonError as error:
        raise pytest.UsageError(str(error)) from error
    limit_s = _seconds(config.getini("hermetic_blocking_s"), source=f"hermetic_blocking_s in {config.inipath}")
    component = Blocking(owner=owner, arrivals=arrivals, limit_s=limit_s, allowed=allowed)
    config.pluginmanager.register(_Limits(component), "hermetic-blocking")
    return component


class _Limits:
    """
    Applies the marker's `blocking=` while its test runs, set-up and teardown included.
    """

    def __init__(self, component: Blocking) -> None:
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
