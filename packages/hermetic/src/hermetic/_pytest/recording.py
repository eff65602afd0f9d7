"""
What pytest tells the journal: tests and their parts, warnings, and how the run began and ended.

With xdist every worker writes what happens in it, and the controller writes only what no worker can: how many tests there
are, the tests whose worker died, and the end.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic._pytest.reports import is_repeated
from hermetic.guard.component import Quiet
from hermetic.record.moments import event as _event
from hermetic.record.moments import phase_passed, run_began, run_ended, test_began

if TYPE_CHECKING:
    import warnings
    from collections.abc import Callable

    from hermetic.foundation.events import Event
    from hermetic.foundation.sink import Sink
    from hermetic.guard.ownership.tenure import Tenure
    from hermetic.record.failure import Failure
    from hermetic.record.memory import TestMemory

PHASES: Final[frozenset[str | None]] = frozenset({"setup", "call", "teardown"})
RUN_KEY: Final = "hermetic_run"
# With one of these a part of a test that passed was expected to fail, or is a subtest's.
_SAYS_MORE: Final = frozenset({"wasxfail", "context"})


class Recording(Hooks):
    """
    Tells `sink` of the run; of log records only `with_logs`, for they cost a handler. `failure` hands over what was taken of the
    exception of a test's part; `told` is called with each report of a test's part after it, and `reports` takes all.
    """

    def __init__(
        self,
        sink: TestMemory,
        *,
        run: str,
        with_logs: bool,
        failure: Callable[[str, str], Failure | None],
        told: Callable[[pytest.TestReport], None],
        reports: list[pytest.TestReport] | None = None,
    ) -> None:
        self._sink = sink
        self._run = run
        self._failure = failure
        self._told = told
        self._reports = reports
        self._is_controller = False
        self._deselected = 0
        self._retried: dict[str, int] = {}
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
            self._sink.tell(run_began, monotonic(), len(session.items), self._deselected)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._sink.tell(_collection_failed, monotonic(), report.nodeid, report.longreprtext)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if hasattr(session.config, "workerinput"):
            return  # the controller tells how the run ended
        self._sink.tell(run_ended, monotonic(), int(exitstatus), _stopped(session), _gates(session.config))

    # ------------------------------------------------------------ tests

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        if not self._is_controller:
            file, line, _ = location
            self._sink.tell(test_began, monotonic(), nodeid, file, (line or 0) + 1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self._reports is not None:
            self._reports.append(report)
        when = report.when
        if report.outcome == "passed" and when in PHASES and not self._is_controller:
            # Nothing is to be explained; the whole test is forgotten with its teardown.
            if _SAYS_MORE.isdisjoint(report.__dict__):
                self._sink.tell(phase_passed, monotonic(), report.nodeid, when, report.duration)
            else:
                self._sink.tell(_phase_ended, monotonic(), report, None)
            if when == "teardown":
                self._told(report)
        elif when not in PHASES:
            # xdist's own report of a test whose worker died.
            self._sink.tell(_test_lost, monotonic(), report)
        elif not self._is_controller:
            # What was taken of a failure is handed over now.
            self._sink.tell(_phase_ended, monotonic(), report, self._failure(report.nodeid, str(when)))
            if is_repeated(report):
                self._retried[report.nodeid] = attempt = self._retried.get(report.nodeid, 0) + 1
                self._sink.tell(_test_retried, monotonic(), report.nodeid, attempt)
            # In the controller of xdist there is nothing to explain from: its workers have done so.
            self._told(report)

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        if not self._is_controller:
            self._sink.tell(_warning_issued, monotonic(), warning_message, nodeid)


class FixtureTimes(Quiet):
    """
    Tells the journal how long fixtures took: a component of the guard, which is told of them anyway.
    """

    name = "fixture times"
    is_for_tests = False  # their parts are told by their reports

    def __init__(self, sink: TestMemory) -> None:
        self._sink = sink
        self._began: dict[Tenure, float] = {}

    def entering(self, tenure: Tenure) -> None:
        self._began[tenure] = monotonic()

    def ready(self, tenure: Tenure) -> None:
        began = self._began.pop(tenure, None)
        if began is not None:
            self._sink.tell(_fixture_set_up, monotonic(), tenure, began)

    def leaving(self, tenure: Tenure) -> None:
        self.entering(tenure)

    def left(self, tenure: Tenure) -> None:
        began = self._began.pop(tenure, None)
        if began is not None:
            self._sink.tell(_fixture_torn_down, monotonic(), tenure, began)


# ---------------------------------------------------------------- what an event is made of, once one is asked for


def _collection_failed(at_s: float, node: str, text: str) -> Event:
    return _event("CollectionFailed", at_s=at_s, node=node, text=text)


def _test_lost(at_s: float, report: pytest.TestReport) -> Event:
    worker: Any = getattr(report, "node", None)
    name = worker.gateway.id if worker is not None else ""
    return _event("TestLost", at_s=at_s, test=report.nodeid, worker=name, text=report.longreprtext)


def _phase_ended(at_s: float, report: pytest.TestReport, failure: Failure | None) -> Event:
    passed = report.outcome == "passed"
    return _event(
        "PhaseEnded",
        at_s=at_s,
        test=report.nodeid,
        phase=report.when,
        outcome=report.outcome,
        duration_s=round(report.duration, 6),
        is_expected_to_fail=hasattr(report, "wasxfail"),
        text="" if passed else _text(report),
        failure=failure,
        output=() if passed else tuple((str(title), str(text)) for title, text in report.sections),
        name=_subtest(report),
    )


def _test_retried(at_s: float, test: str, attempt: int) -> Event:
    return _event("TestRetried", at_s=at_s, test=test, attempt=attempt)


def _warning_issued(at_s: float, warned: warnings.WarningMessage, nodeid: str) -> Event:
    return _event(
        "WarningIssued",
        at_s=at_s,
        test=nodeid,
        category=warned.category.__name__,
        message=str(warned.message),
        file=warned.filename,
        line=warned.lineno,
    )


def _fixture_set_up(at_s: float, tenure: Tenure, began: float) -> Event:
    owner, took = tenure.owner, round(at_s - began, 6)
    return _event("FixtureSetUp", at_s=at_s, fixture=owner.name, scope=owner.scope, duration_s=took)


def _fixture_torn_down(at_s: float, tenure: Tenure, began: float) -> Event:
    owner, took = tenure.owner, round(at_s - began, 6)
    return _event("FixtureTornDown", at_s=at_s, fixture=owner.name, scope=owner.scope, duration_s=took)


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
            _event(
                "LogWritten",
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
