"""
Retries that hide nothing, and a list of tests that may fail for a while.

A try that failed and is repeated is reported as `rerun`, with its text; a test that passed after such a try is `unstable`,
which is neither passed nor failed: it is counted, listed with what each try said, and fails the run once there are more
of them than the budget allows. Leaks and hangs are never tried again, and nothing is once most of the suite fails.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, cast

import pytest
from _pytest import runner  # pytest offers no public name for one phase of an item

from hermetic._pytest.cancelling import is_cancellation
from hermetic._pytest.hooks import Hooks
from hermetic._pytest.marks import named
from hermetic._pytest.reports import NATURE, crash_message, is_repeated
from hermetic._pytest.retry import Retry, chosen, delay_of, retry_of
from hermetic.guard import late

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from hermetic._pytest.crashes import Crashes

_ATTEMPT = "hermetic_attempt"
_UNSTABLE = "hermetic_unstable"
# Before so many tests have ended, no share of failures says that the suite is broken and not flaky.
_ENOUGH_ENDED = 10
_STOPPED = "hermetic_retries_stopped"
_RAISED = pytest.StashKey[BaseException]()


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("hermetic")
    group.addoption(
        "--hermetic-retries",
        metavar="TIMES",
        default=None,
        help="run each failed test again up to TIMES times; one that passes then is unstable, and listed (0)",
    )
    group.addoption(
        "--hermetic-unstable-budget",
        metavar="TESTS",
        default=None,
        help="fail the run when more than TESTS were unstable (no limit)",
    )
    group.addoption(
        "--hermetic-retry-only",
        metavar="PATTERN",
        action="append",
        help='only after errors in which this is found, as "ValueError: text", or after failures of the nature infrastructure, '
        "assertion or error; repeatable",
    )
    group.addoption(
        "--hermetic-retry-except",
        metavar="PATTERN",
        action="append",
        help="not after errors in which this is found, or of this nature; repeatable",
    )
    group.addoption(
        "--hermetic-retry-stop",
        metavar="PERCENT",
        default=None,
        help="try nothing again once more than PERCENT of at least ten tests failed: the build is broken, not flaky (50)",
    )
    group.addoption("--hermetic-retry-delay", metavar="SECONDS", help="wait before each further try (0)")
    parser.addini("hermetic_retries", "as --hermetic-retries", default="0")
    parser.addini("hermetic_retry_stop", "as --hermetic-retry-stop", default="50")
    parser.addini("hermetic_unstable_budget", "as --hermetic-unstable-budget", default="")


def register(config: pytest.Config) -> None:
    """
    Raises:
        pytest.UsageError: an option that is no count, or a retry plugin on top of this one.
    """
    times = _count(config, "--hermetic-retries", "hermetic_retries") or 0
    budget = _count(config, "--hermetic-unstable-budget", "hermetic_unstable_budget")
    if times and config.pluginmanager.hasplugin("rerunfailures") and config.getoption("reruns", default=None):
        raise pytest.UsageError(
            "--hermetic-retries and pytest-rerunfailures' --reruns are both set, and every failure would be tried again "
            "by each. Leave one of them out."
        )
    natures, like = chosen(config, "--hermetic-retry-only")
    but_natures, unlike = chosen(config, "--hermetic-retry-except")
    default = Retry(
        times=times,
        natures=natures,
        but_natures=but_natures,
        like=like,
        unlike=unlike,
        delay=delay_of(config, "--hermetic-retry-delay"),
    )
    stop = _count(config, "--hermetic-retry-stop", "hermetic_retry_stop")
    retrying = Retrying(default, budget=budget, stop=100 if stop is None else stop, crashes=_crashes(config))
    # The controller of xdist collects nothing itself.
    if times or (config.getoption("dist", default="no") != "no" and not hasattr(config, "workerinput")):
        config.pluginmanager.register(retrying, "hermetic-retrying")
    else:
        config.pluginmanager.register(Scout(config, retrying), "hermetic-retry-scout")


def _crashes(config: pytest.Config) -> Crashes | None:
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is None and config.getoption("dist", default="no") == "no":
        return None
    from hermetic._pytest.crashes import Crashes  # noqa: PLC0415 - only runs with workers pay for it

    return Crashes.of(config, given)


def _count(config: pytest.Config, option: str, ini: str) -> int | None:
    given: str | None = config.getoption(option)
    source = f"{option}" if given is not None else f"{ini} in {config.inipath or 'the ini file'}"
    text = given if given is not None else str(config.getini(ini))
    if not text:
        return None
    if not text.isdecimal():
        raise pytest.UsageError(f"{source}: {text!r} is no count; give a whole number from 0 on.")
    return int(text)


class Scout(Hooks):
    """
    Puts the retries to work when some test is marked for them; a suite without any pays nothing for each test.
    """

    def __init__(self, config: pytest.Config, retrying: Retrying) -> None:
        self._config = config
        self._retrying = retrying

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if named(items, "retry"):
            self._config.pluginmanager.register(self._retrying, "hermetic-retrying")
            self._retrying.pytest_collection_modifyitems(items)


class Retrying(Hooks):
    """
    Runs the tests that may be tried again, and collects what became of them.

    Args:
        default: for tests without a marker.
        budget: how many may be unstable; None for any number.
        stop: nothing is tried again once more than so many of a hundred tests failed.
        crashes: tries that were lost with their workers; None without workers.
    """

    def __init__(self, default: Retry, *, budget: int | None, stop: int, crashes: Crashes | None) -> None:
        self._default = default
        self._crashes = crashes
        self._budget = budget
        self._stop = stop
        self._ended = self._failed = 0
        self._unstable: list[str] = []
        self._tries: dict[str, list[tuple[int, str]]] = {}
        self.was_stopped = False

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # Also for their errors: a typo must not wait until something fails.
        times = {item.nodeid: retry_of(item, self._default).times for item in items}
        if self._crashes is not None:
            self._crashes.tell({nodeid: count for nodeid, count in times.items() if count != self._default.times})

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        if self._crashes is not None:
            self._crashes.share(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """
        A try that took its worker along counts as one.
        """
        attempt = len(self._tries.get(crashitem, ())) + 1
        setattr(report, _ATTEMPT, attempt)
        if self._crashes is None:
            return
        # Written before the scheduler sends the test to a worker, which counts on from there.
        self._crashes.write(crashitem, tries=attempt)
        if attempt > self._crashes.times(crashitem, default=self._default.times):
            return
        # Schedulers that keep the tests of a file or a class together hand out an unfinished one by themselves.
        with contextlib.suppress(NotImplementedError):
            sched.mark_test_pending(crashitem)
        cast("Any", report).outcome = "rerun"

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.excinfo is not None and report.failed:
            item.stash[_RAISED] = call.excinfo.value
            setattr(report, NATURE, late.load("hermetic.record.history.nature").nature_of(call.excinfo.value))
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        retry = retry_of(item, self._default)
        had = 0 if self._crashes is None else self._crashes.tries(item.nodeid)
        if (not retry.times and not had) or item.config.getoption("usepdb", default=False):
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        # Some schedulers hand out a test again that took its last worker along, without end: it is over, and was told.
        for attempt in range(had + 1, retry.times + 2):
            reports = self._set_up_and_call(item)
            goes_on = attempt <= retry.times and self._may_go_on(item, reports, retry)
            # Told that its parent comes next, the runner tears down what has the scope of a function and keeps the rest.
            after: Any = None if goes_on and retry.is_thorough else item.parent if goes_on else nextitem
            teardown = _phase(item, "teardown", nextitem=after)
            _forget_request(item)
            if not goes_on:
                self._finish(item, [*reports, teardown], attempt)
                break
            self._log_failed_try(item, reports, teardown, attempt)
            new_instance(item)
            if retry.delay:
                time.sleep(retry.delay)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @staticmethod
    def _set_up_and_call(item: pytest.Item) -> list[pytest.TestReport]:
        if _RAISED in item.stash:
            del item.stash[_RAISED]
        # As the runner does it. An item that is no function has no request.
        if not getattr(item, "_request", True):
            item._initrequest()  # type: ignore[attr-defined]  # noqa: SLF001 - without a public name
        reports = [_phase(item, "setup")]
        if reports[0].passed and not item.config.getoption("setuponly", default=False):
            reports.append(_phase(item, "call"))
        return reports

    def _may_go_on(self, item: pytest.Item, reports: Sequence[pytest.TestReport], retry: Retry) -> bool:
        if not any(report.failed for report in reports) or item.session.shouldfail or item.session.shouldstop:
            return False
        raised = item.stash.get(_RAISED, None)
        if isinstance(raised, KeyboardInterrupt) or is_cancellation(raised) or hasattr(raised, "hang"):
            return False
        if not retry.is_for(raised):
            return False
        if self._ended >= _ENOUGH_ENDED and 100 * self._failed > self._stop * self._ended:
            for report in reports:
                setattr(report, _STOPPED, True)
            return False
        return True

    @staticmethod
    def _log_failed_try(
        item: pytest.Item, reports: Sequence[pytest.TestReport], teardown: pytest.TestReport, attempt: int
    ) -> None:
        # One report a try: plugins that count tests by their phases must go on seeing one test.
        report = next(report for report in reports if report.failed)
        cast("Any", report).outcome = "rerun"
        setattr(report, _ATTEMPT, attempt)
        report.duration = sum(one.duration for one in (*reports, teardown))
        item.ihook.pytest_runtest_logreport(report=report)
        if teardown.failed:
            # A leak, or a fixture that could not clean up, stays a failure whatever the next try brings.
            setattr(teardown, _ATTEMPT, attempt)
            item.ihook.pytest_runtest_logreport(report=teardown)

    def _finish(self, item: pytest.Item, reports: Sequence[pytest.TestReport], attempt: int) -> None:
        self._ended += 1
        has_failed = any(report.failed for report in reports)
        self._failed += has_failed
        for report in reports:
            setattr(report, _ATTEMPT, attempt)
            if attempt > 1 and not has_failed and report.when == "call" and report.passed:
                setattr(report, _UNSTABLE, True)
            item.ihook.pytest_runtest_logreport(report=report)

    # ------------------------------------------------------------ what is told

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        if is_repeated(report):
            return "rerun", "R", ("RERUN", {"yellow": True})
        if report.when == "call" and getattr(report, _UNSTABLE, False):
            return "unstable", "U", ("UNSTABLE", {"yellow": True})
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.was_stopped |= bool(getattr(report, _STOPPED, False))
        if is_repeated(report):
            # Another plugin's tries are not numbered.
            known = self._tries.setdefault(report.nodeid, [])
            known.append((getattr(report, _ATTEMPT, len(known) + 1), _told(report)))
        elif getattr(report, _UNSTABLE, False):
            self._unstable.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if (
            self._is_over_budget
            and session.exitstatus == pytest.ExitCode.OK
            and not hasattr(session.config, "workerinput")
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @property
    def _is_over_budget(self) -> bool:
        return self._budget is not None and len(self._unstable) > self._budget

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._unstable and not self.was_stopped:
            return
        terminalreporter.section("unstable: passed only when tried again")
        for nodeid in self._unstable:
            tries = self._tries.get(nodeid, [])
            terminalreporter.line(f"{nodeid}  passed at try {len(tries) + 1}")
            for attempt, said in tries:
                terminalreporter.line(f"    try {attempt}: {said}")
        if self._is_over_budget:
            terminalreporter.line(
                f"{len(self._unstable)} were unstable and {self._budget} are allowed, so this run fails "
                "(hermetic_unstable_budget)."
            )
        if self.was_stopped:
            terminalreporter.line(
                f"More than {self._stop} % of the tests failed, so failures were not tried again any more "
                "(hermetic_retry_stop)."
            )


def _told(report: pytest.TestReport) -> str:
    line = crash_message(report).partition("\n")[0] or f"{report.when} failed"
    return f"{line} (infrastructure)" if getattr(report, NATURE, "") == "infrastructure" else line


def _phase(item: pytest.Item, when: str, **more: Any) -> pytest.TestReport:
    return cast("Any", runner).call_and_report(item, when, log=False, **more)  # type: ignore[no-any-return]  # untyped there


def _forget_request(item: pytest.Item) -> None:
    # As the runner does when all hooks of the teardown have been called.
    function: Any = item
    if hasattr(function, "_request"):
        function._request = False  # noqa: SLF001 - as above
        function.funcargs = None


def new_instance(item: pytest.Item) -> None:
    """
    Let the next try of a test have its class's instance to itself.

    The runner renews the request and the fixtures' values, but an instance of the test's class, with what a try left on
    it, lasts as long as the item. Both are made again when they are asked for.
    """
    if isinstance(item, pytest.Function) and isinstance(item.parent, pytest.Class):
        for name in ("_instance", "_obj"):
            vars(item).pop(name, None)
