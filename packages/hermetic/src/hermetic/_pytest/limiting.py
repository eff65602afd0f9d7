"""
Limits on what a test may have open at once: marker, fixture, and the table of the hungriest tests.

Counting begins before a test's set-up. A limit that was passed fails the part of the test in which it was; what was
opened is closed by its fixtures, and what they leave open by the guard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic._pytest.marks import marked, names_of
from hermetic._pytest.reports import telling
from hermetic.guard.limits.kinds import LIMITED

if TYPE_CHECKING:
    from collections.abc import Generator

    from hermetic.foundation import Clock, Sink
    from hermetic.guard.limits import ResourceLimits, ResourceMonitor

# All that pytest looks at when this module is registered, see `hermetic._pytest.hooks`.
__all__ = ["resource_monitor"]


def __dir__() -> list[str]:
    return __all__


MARKER = (
    f"limits({', '.join(LIMITED)}, warn_at): how much more than at its start this test may have in use at once, "
    "for example @pytest.mark.limits(threads=4, open_files=10)"
)
_NAME = "limits"
_LIMITS = pytest.StashKey["ResourceLimits"]()
# The attribute of a test's teardown report with what it used, also from xdist's workers.
USED_ATTRIBUTE = "hermetic_resources"
NEAR_ATTRIBUTE = "hermetic_near_limits"
_TOLD = frozenset({USED_ATTRIBUTE, NEAR_ATTRIBUTE})


def add_options(parser: pytest.Parser) -> None:
    parser.getgroup("hermetic").addoption(
        "--hermetic-hungriest",
        type=int,
        default=0,
        metavar="N",
        help="count what every test has in use, and show the N hungriest for each resource (0: do not count)",
    )


@pytest.fixture
def resource_monitor() -> Generator[ResourceMonitor]:
    """
    A `ResourceMonitor` that counts from here to the end of the test.
    """
    from hermetic.guard.limits.monitor import ResourceMonitor  # noqa: PLC0415 - most runs count nothing

    monitor = ResourceMonitor(cleanup=False).start()
    try:
        yield monitor
    finally:
        monitor.stop()


class Limiting(Hooks):
    """
    Reads markers while tests are collected; only a run that has limits, or wants to know, pays for counting.
    """

    def __init__(self, config: pytest.Config, *, sink: Sink, clock: Clock) -> None:
        self._config = config
        self._sink = sink
        self._clock = clock
        self._is_counting = False
        self._most = int(config.getoption("--hermetic-hungriest") or 0)
        if self._most < 0:
            raise pytest.UsageError(f"--hermetic-hungriest={self._most}: give how many tests to show, from 0 on.")
        config.pluginmanager.register(HungriestTests(self._most), "hermetic-hungriest")
        if self._most:
            self._count()

    def _count(self) -> None:
        if not self._is_counting:
            self._is_counting = True
            counting = Counting(is_for_all=self._most > 0, sink=self._sink, clock=self._clock)
            self._config.pluginmanager.register(counting, "hermetic-counting")

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Module | pytest.Class) -> Generator[None, object, object]:
        made = yield
        if _NAME not in names_of(collector, made):
            return made
        several = made if _is_list(made) else [made]
        for one, all_marks in marked(one for one in several if isinstance(one, pytest.Item)):
            marks = [mark for mark in all_marks if mark.name == _NAME]
            if marks:
                one.stash[_LIMITS] = _limits(one, marks)
                self._count()
        return made


class Counting(Hooks):
    """
    Counts what tests have in use, and fails those that pass their limits.
    """

    def __init__(self, *, is_for_all: bool, sink: Sink, clock: Clock) -> None:
        self._is_for_all = is_for_all
        self._sink = sink
        self._clock = clock
        self._monitor: ResourceMonitor | None = None
        self._told: set[str] = set()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        limits = item.stash.get(_LIMITS, None)
        self._told.clear()
        if self._monitor is not None:  # a runner that skipped the teardown of the test before
            self._monitor.stop()
            self._monitor = None
        if limits is not None or self._is_for_all:
            from hermetic.guard.limits.monitor import ResourceMonitor  # noqa: PLC0415 - most runs count nothing

            self._monitor = ResourceMonitor(limits, cleanup=False).start()
        yield from self._part(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        yield from self._part(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None]:
        yield from self._part(item)

    def _part(self, item: pytest.Item) -> Generator[None]:
        monitor = self._monitor
        if monitor is None:
            return (yield)
        try:
            result = yield
        except BaseException as error:
            text = self._passed(monitor, item)
            if text:
                error.add_note(text)
            raise
        text = self._passed(monitor, item)
        if text:
            raise pytest.fail.Exception(f"{text}\n  run again: pytest '{item.nodeid}'", pytrace=False)
        return result

    def _passed(self, monitor: ResourceMonitor, item: pytest.Item) -> str:
        from hermetic.guard.limits.error import ResourceExhaustionError  # noqa: PLC0415 - most runs count nothing
        from hermetic.guard.limits.events import LimitPassed  # noqa: PLC0415 - as above

        try:
            monitor.check()
        except ResourceExhaustionError as error:
            if error.resource in self._told:
                return ""
            self._told.add(error.resource)
            text = "\n".join([str(error), *getattr(error, "__notes__", ())])
            self._sink.emit(
                LimitPassed(
                    at_s=self._clock.monotonic(),
                    test=item.nodeid,
                    resource=error.resource,
                    used=error.used,
                    limit=error.limit,
                    source=error.source,
                    text=text,
                )
            )
            return text
        return ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        monitor = self._monitor
        if call.when == "teardown" and monitor is not None:
            self._monitor = None
            monitor.stop()
            self._tell(monitor, item, report)
        return report

    def _tell(self, monitor: ResourceMonitor, item: pytest.Item, report: pytest.TestReport) -> None:
        from hermetic.guard.limits.events import ResourcesUsed  # noqa: PLC0415 - most runs count nothing

        growth = monitor.growth
        used: dict[str, Any] = {name: growth.value(name) for name in LIMITED}
        counts = {name: int(value) for name, value in used.items() if name != "memory_mb"}
        self._sink.emit(
            ResourcesUsed(at_s=self._clock.monotonic(), test=item.nodeid, memory_mb=used["memory_mb"], **counts)
        )
        if self._is_for_all:
            setattr(report, USED_ATTRIBUTE, used)
        if monitor.warnings:
            setattr(report, NEAR_ATTRIBUTE, [str(one) for one in monitor.warnings])


class HungriestTests(Hooks):
    """
    Shows, at the end of the run, which tests came near a limit, and which used most of each resource.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._used: dict[str, dict[str, float]] = {}
        self._near: list[tuple[str, str]] = []

    def _read(self, report: pytest.TestReport) -> None:
        told: dict[str, Any] = vars(report)
        used = told.get(USED_ATTRIBUTE)
        if used is not None:
            self._used[report.nodeid] = used
        self._near += [(report.nodeid, text) for text in told.get(NEAR_ATTRIBUTE, ())]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        # The reporter has all reports, also those of xdist's workers: a hook of our own would be called for each of them.
        for report in telling(terminalreporter.stats, _TOLD):
            if isinstance(report, pytest.TestReport):
                self._read(report)
        if self._near:
            terminalreporter.section("Hermetic: near a limit")
            for nodeid, text in self._near:
                terminalreporter.line(f"{nodeid}: {text}")
        if not self._used:
            return
        terminalreporter.section(f"Hermetic: the hungriest of {len(self._used)} tests")
        for name in LIMITED:
            ranked = sorted(self._used.items(), key=lambda pair: -pair[1][name])[: self._most]
            wanted = [(nodeid, used[name]) for nodeid, used in ranked if used[name] >= 0.05]
            if wanted:
                terminalreporter.line(f"{name.replace('_', ' ')}:")
            for nodeid, value in wanted:
                terminalreporter.line(f"{f'{value:.1f}' if name == 'memory_mb' else f'{value:.0f}':>8}  {nodeid}")


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _limits(item: pytest.Item, marks: list[pytest.Mark]) -> ResourceLimits:
    from hermetic.guard.limits.error import ResourceLimitError  # noqa: PLC0415 - most runs have no limits
    from hermetic.guard.limits.limits import limits_from  # noqa: PLC0415 - as above

    path, line, _ = item.reportinfo()
    source = f"the marker in {path}:{(line or 0) + 1}"
    words: dict[str, Any] = {}
    for mark in reversed(marks):  # the closest last, so that it wins
        if mark.args:
            raise pytest.Collector.CollectError(
                f"{source}: limits({', '.join(map(repr, mark.args))}) does not say what is limited; write threads=4."
            )
        words |= mark.kwargs
    if not words:
        raise pytest.Collector.CollectError(f"{source}: limits() limits nothing; there are {', '.join(LIMITED)}.")
    try:
        return limits_from(words, source=source)
    except ResourceLimitError as error:
        raise pytest.Collector.CollectError(str(error)) from error
