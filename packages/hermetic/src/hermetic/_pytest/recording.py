"""
What pytest tells the journal: tests and their parts, warnings, and how the run began and ended.

With xdist every worker writes what happens in it, and the controller writes only what no worker can: how many tests there
are, the tests whose worker died, and the end.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from hermetic.guard.component import Quiet
from hermetic.record.events import (
    CollectionFailed,
    FixtureSetUp,
    FixtureTornDown,
    LogWritten,
    PhaseEnded,
    RunBegan,
    RunEnded,
    TestBegan,
    TestLost,
    WarningIssued,
)

if TYPE_CHECKING:
    import warnings
    from collections.abc import Callable

    from hermetic.foundation import Sink
    from hermetic.guard.ownership.tenure import Tenure
    from hermetic.record.failure import Failure

PHASES: Final = frozenset({"setup", "call", "teardown"})
RUN_KEY: Final = "hermetic_run"


class Recording:
    """
    Writes the run into a sink; log records only `with_logs`, for they cost a handler. `failure` hands over what was taken of the exception of a test's part.
    """

    def __init__(self, sink: Sink, *, run: str, with_logs: bool, failure: Callable[[str, str], Failure | None]) -> None:
        self._sink = sink
        self._run = run
        self._failure = failure
        self._is_controller = False
        self._deselected = 0
        self._handler = _LogHandler(sink) if with_logs else None

    # ------------------------------------------------------------ the run

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._is_controller = session.config.pluginmanager.hasplugin("dsession")
        handler = self._handler
        if not self._is_controller and handler is not None:
            logging.getLogger().addHandler(handler)
            session.config.add_cleanup(lambda: logging.getLogger().removeHandler(handler))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[RUN_KEY] = self._run

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self._deselected += len(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not self._is_controller:
            self._sink.emit(RunBegan(at_s=monotonic(), tests=len(session.items), deselected=self._deselected))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._sink.emit(CollectionFailed(at_s=monotonic(), node=report.nodeid, text=report.longreprtext))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if hasattr(session.config, "workerinput"):
            return  # the controller tells how the run ended
        self._sink.emit(
            RunEnded(
                at_s=monotonic(),
                status=int(exitstatus),
                stopped=_stopped(session),
                gates=_gates(session.config),
            )
        )

    # ------------------------------------------------------------ tests

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        if not self._is_controller:
            self._sink.emit(TestBegan(at_s=monotonic(), test=nodeid, file=location[0], line=(location[1] or 0) + 1))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        when = cast("str", report.when)
        if when not in PHASES:
            # xdist's own report of a test whose worker died.
            worker: Any = getattr(report, "node", None)
            name = worker.gateway.id if worker is not None else ""
            self._sink.emit(TestLost(at_s=monotonic(), test=report.nodeid, worker=name, text=report.longreprtext))
            return
        if self._is_controller:
            return
        passed = report.outcome == "passed"
        self._sink.emit(
            PhaseEnded(
                at_s=monotonic(),
                test=report.nodeid,
                phase=when,
                outcome=report.outcome,
                duration_s=round(report.duration, 6),
                is_expected_to_fail=hasattr(report, "wasxfail"),
                text="" if passed else _text(report),
                failure=None if passed else self._failure(report.nodeid, when),
                output=() if passed else tuple((str(title), str(text)) for title, text in report.sections),
                name=_subtest(report),
            )
        )

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        if self._is_controller:
            return
        self._sink.emit(
            WarningIssued(
                at_s=monotonic(),
                test=nodeid,
                category=warning_message.category.__name__,
                message=str(warning_message.message),
                file=warning_message.filename,
                line=warning_message.lineno,
            )
        )


class FixtureTimes(Quiet):
    """
    Tells the journal how long fixtures took: a component of the guard, which is told of them anyway.
    """

    name = "fixture times"

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._began: dict[Tenure, float] = {}

    def entering(self, tenure: Tenure) -> None:
        if not tenure.is_test and not _is_parameter(tenure):
            self._began[tenure] = monotonic()

    def ready(self, tenure: Tenure) -> None:
        began = self._began.pop(tenure, None)
        if began is not None:
            now, owner = monotonic(), tenure.owner
            took = round(now - began, 6)
            self._sink.emit(FixtureSetUp(at_s=now, fixture=owner.name, scope=owner.scope, duration_s=took))

    def leaving(self, tenure: Tenure) -> None:
        self.entering(tenure)

    def left(self, tenure: Tenure) -> None:
        began = self._began.pop(tenure, None)
        if began is not None:
            now, owner = monotonic(), tenure.owner
            took = round(now - began, 6)
            self._sink.emit(FixtureTornDown(at_s=now, fixture=owner.name, scope=owner.scope, duration_s=took))


def _is_parameter(tenure: Tenure) -> bool:
    # pytest hands a test's own parameters over by fixtures that it makes itself.
    defined = tenure.owner.defined
    return defined is not None and defined.function == "get_direct_param_fixture_func"


class _LogHandler(logging.Handler):
    # It has no level of its own and changes none: loggers pass on what they would have passed on without it.

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception as error:  # noqa: BLE001 - arguments that do not fit their format are the caller's affair
            message = f"{record.msg!r} ({type(error).__name__} in its arguments)"
        self._sink.emit(
            LogWritten(
                at_s=monotonic(),
                logger=record.name,
                level=record.levelname,
                message=message[:4096],
                file=record.pathname,
                line=record.lineno,
            )
        )


def _text(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    return report.longreprtext or str(getattr(report, "wasxfail", ""))


def _subtest(report: pytest.TestReport) -> str:
    context: Any = getattr(report, "context", None)
    if context is None:
        return ""
    words = [str(getattr(context, "msg", None) or "")]
    words += [f"{name}={value!r}" for name, value in dict(getattr(context, "kwargs", {})).items()]
    return " ".join(word for word in words if word) or "subtest"


def _stopped(session: pytest.Session) -> str:
    if not session.shouldstop and not session.shouldfail:
        return ""
    maxfail = session.config.getoption("maxfail", 0)
    if maxfail and session.testsfailed >= maxfail:
        return "maxfail"
    return "stepwise" if session.config.getoption("stepwise", default=False) else "other"


def _gates(config: pytest.Config) -> tuple[str, ...]:
    # pytest-cov keeps its total on the plugin that it registers under this name.
    cov: Any = config.pluginmanager.getplugin("_cov")
    least, total = getattr(getattr(cov, "options", None), "cov_fail_under", None), getattr(cov, "cov_total", None)
    return ("cov-fail-under",) if least and total is not None and total < least else ()
