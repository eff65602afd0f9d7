"""
Leaves each run's outcomes in the project's history.
"""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hermetic._pytest.findings import REPORT_ATTRIBUTE
from hermetic._pytest.hooks import Hooks
from hermetic._pytest.loading import loading
from hermetic._pytest.reports import NATURE, crash_message, is_repeated, phase_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIRECTORY = ".hermetic"
_NAME = "hermetic-history"
# xdist reports a test whose worker was lost under none of these.
_PHASES = frozenset({"setup", "call", "teardown"})
# A report that passed and has none of these says nothing but how long it took.
_TELLING = frozenset({"wasxfail", REPORT_ATTRIBUTE})
# So many runs may lie beside the database before a run takes them in itself.
_MOST_SPOOLED = 500


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("hermetic")
    group.addoption(
        "--hermetic-history",
        metavar="DIRECTORY",
        default=None,
        help=f"keep the outcomes of this run in DIRECTORY, or keep none with off ({_DIRECTORY} in the root directory)",
    )
    parser.addini("hermetic_history", "as --hermetic-history", default=_DIRECTORY)


def register(config: pytest.Config) -> None:
    """
    Keep outcomes, unless that is switched off, nothing is run, or this process is a worker.
    """
    directory = directory_of(config)
    if directory is not None:
        config.pluginmanager.register(Keeper(config, directory), _NAME)


def reports_of(config: pytest.Config) -> list[pytest.TestReport] | None:
    """
    The list that each report of a test's part is to be put into; None where no outcomes are kept.
    """
    keeper: Keeper | None = config.pluginmanager.get_plugin(_NAME)
    return None if keeper is None else keeper.reports


def directory_of(config: pytest.Config) -> Path | None:
    """
    Where this process keeps outcomes; None where it keeps none.
    """
    return None if hasattr(config, "workerinput") or config.getoption("collectonly") else place_of(config)


def place_of(config: pytest.Config) -> Path | None:
    """
    Where the history is; None when it is switched off.
    """
    given: str | None = config.getoption("--hermetic-history")
    where = given if given is not None else str(config.getini("hermetic_history"))
    if where == "off":
        return None
    return (config.invocation_params.dir if given is not None else config.rootpath) / where


class Keeper(Hooks):
    """
    Collects what the reports say and writes it when the session ends.
    """

    def __init__(self, config: pytest.Config, directory: Path) -> None:
        self._config = config
        self._directory = directory
        self._at = time.time()
        self._began = time.perf_counter()
        # As they come, to be read when the session ends: the terminal keeps them all anyway. Whoever is told of them puts them
        # here, for a hook of its own would cost each test more than all that is done with them.
        self.reports: list[pytest.TestReport] = []
        self.problem = ""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if not self.reports:
            return
        from hermetic.record.history.spool import SPOOL  # noqa: PLC0415 - only runs that ran tests pay for it

        try:
            with loading():  # an object a test, and all of them alive until the last is written
                self._write(int(exitstatus))
            if sum(1 for _ in (self._directory / SPOOL).iterdir()) > _MOST_SPOOLED:
                self._take_in()
        except OSError as error:
            # A full disk or a directory that may not be written decides nothing about the tests.
            self.problem = f"the outcomes of this run are not in the history: {self._directory}: {error.strerror}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.problem:
            terminalreporter.section("Hermetic")
            terminalreporter.line(self.problem)

    def _write(self, status: int) -> None:
        from hermetic.record.history.code import version  # noqa: PLC0415 - only runs that ran tests pay for it
        from hermetic.record.history.runs import Run, Try  # noqa: PLC0415
        from hermetic.record.history.spool import spool  # noqa: PLC0415

        config = self._config
        known = _tries(self.reports)
        workers = {worker for _, _, worker, _, _ in known.values()} - {""}
        run = Run(
            id=os.urandom(16).hex(),
            at=self._at,
            duration_s=round(time.perf_counter() - self._began, 3),
            code=version(config.rootpath),
            environment=f"{platform.python_implementation()} {platform.python_version()} {platform.system()}",
            seed=_seed(config),
            workers=len(workers),
            status=status,
        )
        places: dict[str, int] = {}
        tries: list[Try] = []
        for (test, attempt), (outcome, duration_s, worker, failed, findings) in known.items():
            places[worker] = position = places.get(worker, 0) + 1
            one = Try(test, outcome, round(duration_s, 6), attempt, worker, position, "", findings)
            tries.append(one if failed is None else one._replace(**_signature(failed)))
        spool(self._directory, run, tries)

    def _take_in(self) -> None:
        import sqlite3  # noqa: PLC0415 - once in many runs

        from hermetic.record.history.errors import HistoryError  # noqa: PLC0415 - as above
        from hermetic.record.history.store import HistoryStore  # noqa: PLC0415 - as above

        told: list[str] = []
        try:
            with HistoryStore(self._directory, tell=told.append) as store:
                store.take_in()
        except (HistoryError, sqlite3.Error) as error:
            # The runs stay where they are, for whoever asks next.
            told.append(f"the runs in {self._directory} were not taken into the history: {error}")
        self.problem = "\n".join(told)


def _tries(reports: Iterable[pytest.TestReport]) -> dict[tuple[str, int], list[Any]]:
    """
    For each test and try: outcome, seconds, worker, the report of its failure, kinds of findings.
    """
    tries: dict[tuple[str, int], list[Any]] = {}
    place: object = None
    attempt, known = 0, list[Any]()
    for report in reports:
        told = vars(report)
        # The parts of one try share this very object, unless they come from another process; to ask for a name takes longer.
        if place is None or told.get("location") is not place or told.get("hermetic_attempt", 1) != attempt:
            place, attempt = told.get("location"), told.get("hermetic_attempt", 1)
            known = tries.setdefault((report.nodeid, attempt), ["passed", 0.0, told.get("worker_id", ""), None, ()])
        known[1] += report.duration
        if report.outcome == "passed" and told.keys().isdisjoint(_TELLING):
            continue  # as most do, whose parts are not looked at one by one
        if report.outcome != "passed" or hasattr(report, "wasxfail"):
            outcome = "lost" if report.when not in _PHASES else phase_outcome(report)
            # A failed teardown does not hide that the test itself failed.
            if outcome != "error" or known[0] != "failed":
                known[0] = outcome
            if known[3] is None and (report.failed or is_repeated(report)):
                known[3] = report
        found = told.get(REPORT_ATTRIBUTE)
        if found:
            known[4] = tuple(sorted({one["kind"] for one in found if one["level"] != "kept"}))
    return tries


def _signature(report: pytest.TestReport) -> dict[str, Any]:
    from hermetic.record.history.fingerprint import signature  # noqa: PLC0415 - only runs with failures pay for it

    if report.when not in _PHASES:
        return signature("", kind="WorkerCrash")
    crash: Any = getattr(report.longrepr, "reprcrash", None)
    said = signature(crash_message(report), place=Path(str(getattr(crash, "path", ""))).name)
    known: str | None = vars(report).get(NATURE)
    return said if known is None else {**said, "nature": known}


def _seed(config: pytest.Config) -> str:
    # pytest-randomly's; "default" when it is not there or was told to leave the order alone.
    seed: Any = getattr(config.option, "randomly_seed", "")
    return str(seed) if isinstance(seed, int) else ""
