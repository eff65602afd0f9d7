"""
Outcomes on disk as they come, and leaving out the tests that have been run: how a run goes on after its process was lost.

A line of the file is one of

    "tests/test_a.py::test_b"                        this test has been run (in a file for --hermetic-resume)
    {"began": …}                                     this test began
    {"ended": …, "outcome": …, "duration_s": …, "text": …}
    {"session": "ended", "status": …}                pytest came to its own end; "lost" when tests are left
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hermetic._pytest.ending import WAS_ENDED
from hermetic._pytest.hooks import Hooks
from hermetic._pytest.reports import is_repeated, phase_outcome

if TYPE_CHECKING:
    from io import TextIOWrapper

_ORDER = {"passed": 0, "skipped": 1, "xfailed": 1, "xpassed": 1, "failed": 2, "error": 3}


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("hermetic")
    group.addoption("--hermetic-outcomes", metavar="FILE", default=None, help="write outcomes to FILE as they come")
    group.addoption(
        "--hermetic-resume", metavar="FILE", default=None, help="leave out the tests that FILE names as run"
    )


def register(config: pytest.Config) -> None:
    """
    Take part as far as the command line asks for it.

    Raises:
        pytest.UsageError: a file that cannot be read or written.
    """
    resume: str | None = config.getoption("--hermetic-resume")
    if resume is not None:
        config.pluginmanager.register(Resuming(read_done(resume)), "hermetic-resuming")
    outcomes: str | None = config.getoption("--hermetic-outcomes")
    if outcomes is not None and not hasattr(config, "workerinput"):
        try:
            file = Path(outcomes).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115 - open for the whole session
        except OSError as error:
            raise pytest.UsageError(f"--hermetic-outcomes: {outcomes}: {error.strerror}") from error
        config.pluginmanager.register(Outcomes(file), "hermetic-outcomes")
        config.add_cleanup(file.close)


def read_done(path: str) -> frozenset[str]:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        done = [json.loads(line) for line in lines if line]
    except OSError as error:
        raise pytest.UsageError(
            f"--hermetic-resume: {path} cannot be read ({error.strerror}). Name the file that the ended run told of."
        ) from error
    except ValueError as error:
        raise pytest.UsageError(
            f"--hermetic-resume: {path} is not a list of tests, one JSON string a line: {error}"
        ) from error
    if not all(isinstance(one, str) for one in done):
        raise pytest.UsageError(f"--hermetic-resume: {path} is not a list of tests, one JSON string a line")
    return frozenset(done)


class Resuming(Hooks):
    """
    Leaves out what has been run.
    """

    def __init__(self, done: frozenset[str]) -> None:
        self._done = done

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        dropped = [item for item in items if item.nodeid in self._done]
        if dropped:
            items[:] = [item for item in items if item.nodeid not in self._done]
            config.hook.pytest_deselected(items=dropped)


class Outcomes(Hooks):
    """
    Writes a line when a test begins, and one when it has ended.
    """

    def __init__(self, file: TextIOWrapper) -> None:
        self._file = file
        self._running: dict[str, dict[str, Any]] = {}

    def _write(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record) + "\n")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._write({"began": nodeid})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        known = self._running.setdefault(report.nodeid, {"outcome": "passed", "duration_s": 0.0, "text": ""})
        known["duration_s"] += report.duration
        if is_repeated(report):
            return  # how the test ends, its last try tells
        outcome = phase_outcome(report)
        if _ORDER[outcome] > _ORDER[known["outcome"]]:
            known["outcome"] = outcome
        if report.failed:
            known["text"] = f"{known['text']}\n\n{report.longreprtext}".strip()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        known = self._running.pop(nodeid, None)
        if known is not None:
            self._write({"ended": nodeid, **known})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        # A worker that was lost never finished its test, nor did the test that this process is ended for.
        for nodeid in list(self._running):
            self.pytest_runtest_logfinish(nodeid)
        was_ended = session.config.stash.get(WAS_ENDED, False)
        self._write({"session": "lost" if was_ended else "ended", "status": int(exitstatus)})
