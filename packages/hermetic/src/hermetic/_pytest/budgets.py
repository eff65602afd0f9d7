"""
The budgets of tests: ini file, command line, marker; read and checked before any test runs.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import pytest

from hermetic._pytest.marks import marked
from hermetic.guard.deadlines.budget import BudgetError, parse_seconds, seconds_or_off

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MARKER = (
    "deadline(call, *, setup, call, teardown): seconds that the parts of this test may take, None for no limit; "
    "for example @pytest.mark.deadline(5) or @pytest.mark.deadline(setup=2)"
)
NAME = "deadline"
# Markers of Hermetic that one may mistype: pytest itself only warns about a marker that it does not know.
_MARKERS = (NAME, "limits", "virtual_time", "interleave")
KEY = pytest.StashKey["Budgets"]()
"""
Where an item with a marker of its own keeps its budgets.
"""
_USUAL: Final[Mapping[str, float | None]] = MappingProxyType(
    {
        "setup": 60.0,
        "call": 60.0,
        "teardown": 60.0,
        "module": None,
        "session": None,
        "collection": 120.0,
        "exit": 10.0,
        "grace": 0.5,
    }
)
_PARTS: Final = tuple(_USUAL)
_NO_SOURCES: Final[Mapping[str, str]] = MappingProxyType({})


class Budgets:
    """
    Seconds for each part of a run; None where there is no limit.

    `setup`, `call` and `teardown` are a test's parts, each with its own; `module` and `session` bound all tests of one
    module and the whole run; `collection` bounds each file that is collected; `exit` is how long the interpreter may
    take to end. `grace` is how long each rung of the ladder waits for the one before. Never changed once made.
    """

    # Written out: a dataclass costs every run a millisecond at its start.
    __slots__ = (*_PARTS, "sources")

    def __init__(self, parts: Mapping[str, float | None] = _USUAL, *, sources: Mapping[str, str] = _NO_SOURCES) -> None:
        self.setup = parts["setup"]
        self.call = parts["call"]
        self.teardown = parts["teardown"]
        self.module = parts["module"]
        self.session = parts["session"]
        self.collection = parts["collection"]
        self.exit = parts["exit"]
        self.grace = parts["grace"]
        self.sources = sources

    def source(self, part: str) -> str:
        return self.sources.get(part, "the default")

    def changed(self, part: str, value: float | None, source: str) -> Budgets:
        parts: dict[str, float | None] = {name: getattr(self, name) for name in _PARTS}
        return Budgets({**parts, part: value}, sources={**self.sources, part: source})


_TEST_PARTS = ("setup", "call", "teardown")


def add_options(parser: pytest.Parser) -> None:
    parser.getgroup("hermetic").addoption(
        "--hermetic-deadline",
        metavar="PART=SECONDS",
        action="append",
        default=[],
        help=f"how long a part may take ({', '.join(_PARTS)}), or none; a bare number is for a test's call; repeatable",
    )
    parser.addini("hermetic_deadlines", "as --hermetic-deadline, several in a line", type="args", default=[])
    parser.addini(
        "hermetic_timeouts",
        "budgets of named operations (ip_check=60), factor=2, or factor=measured for this machine's speed",
        type="args",
        default=[],
    )


def read(config: pytest.Config) -> Budgets:
    """
    Raises:
        pytest.UsageError: an option that cannot be read, with its source.
    """
    budgets = Budgets()
    ini: list[str] = config.getini("hermetic_deadlines")
    line: list[str] = config.getoption("--hermetic-deadline") or []
    words = [
        *((word, f"hermetic_deadlines in {config.inipath}") for word in ini),
        *((word, "--hermetic-deadline") for word in line),
    ]
    try:
        for word, source in words:
            part, equals, value = word.rpartition("=")
            part = part.strip() if equals else "call"
            if part not in _PARTS:
                raise pytest.UsageError(f"{source}: there is no deadline for {part!r}, only for {', '.join(_PARTS)}.")
            budgets = budgets.changed(part, parse_seconds(value, source=source), source)
        if budgets.grace is None:
            raise pytest.UsageError(f"{budgets.source('grace')}: the ladder cannot do without its grace.")
        _configure_timeouts(config)
    except BudgetError as error:
        raise pytest.UsageError(str(error)) from error
    return budgets


def _configure_timeouts(config: pytest.Config) -> None:
    words: list[str] = config.getini("hermetic_timeouts")
    if not words:
        return
    from hermetic.guard.deadlines.operations import timeouts  # noqa: PLC0415 - it brings asyncio, which few runs need

    source = f"hermetic_timeouts in {config.inipath}"
    operations: dict[str, float] = {}
    for word in words:
        name, _, value = word.partition("=")
        if word == "factor=measured":
            timeouts.measure_machine()
            continue
        number = parse_seconds(value, source=source)
        if number is None:
            raise BudgetError(value, source=source, reason="a named operation always has a limit")
        if name == "factor":
            timeouts.configure(factor=number, source=source)
        else:
            operations[name] = number
    timeouts.configure(operations, source=source)
    config.add_cleanup(timeouts.reset)


def check_markers(items: Iterable[pytest.Item], budgets: Budgets, known: frozenset[str]) -> bool:
    """
    Read the deadlines of collected tests once, and refuse markers that were meant to be one. Returns whether any has its own.

    Raises:
        pytest.Collector.CollectError: a marker that cannot be read, with file and line.
    """
    has_own = False
    for item, marks in marked(items):
        own = budgets
        for mark in reversed(marks):
            if mark.name == NAME:
                own = _marked(own, mark, item)
            elif mark.name not in known and (close := _closest(mark.name)):
                raise pytest.Collector.CollectError(
                    f"{_place(item)}: unknown marker {mark.name!r} on {item.name}; did you mean {close!r}?"
                )
        if own is not budgets:
            item.stash[KEY] = own
            has_own = True
    return has_own


def _closest(name: str) -> str | None:
    import difflib  # noqa: PLC0415 - for markers that nobody registered, which are few

    return next(iter(difflib.get_close_matches(name, _MARKERS, cutoff=0.75)), None)


def _place(item: pytest.Item) -> str:
    path, line, _ = item.reportinfo()
    return f"{path}:{(line or 0) + 1}"


def _marked(budgets: Budgets, mark: pytest.Mark, item: pytest.Item) -> Budgets:
    source = f"the marker in {_place(item)}"
    given: dict[str, Any] = dict(mark.kwargs)
    if len(mark.args) > 1 or (mark.args and "call" in given):
        raise pytest.Collector.CollectError(f"{source}: deadline() takes one number, which is for the call.")
    if mark.args:
        given["call"] = mark.args[0]
    if not given:
        raise pytest.Collector.CollectError(f"{source}: deadline() needs a number of seconds, such as deadline(5).")
    for part, value in given.items():
        if part not in _TEST_PARTS:
            known = ", ".join(_TEST_PARTS)
            raise pytest.Collector.CollectError(f"{source}: deadline() has no argument {part!r}, only {known}.")
        try:
            budgets = budgets.changed(part, seconds_or_off(value, source=source), source)
        except BudgetError as error:
            raise pytest.Collector.CollectError(str(error)) from error
    return budgets
