"""
Writes the reports that a run was asked for, when it ends.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic._pytest.loading import loading

if TYPE_CHECKING:
    from hermetic.record.journal import JournalWriter
    from hermetic.record.report.uneventful import Uneventful

_JOURNAL = "hermetic_journal"


def add_options(parser: pytest.Parser) -> None:
    parser.getgroup("hermetic").addoption(
        "--hermetic-report",
        metavar="FILE",
        action="append",
        default=[],
        help="write a report to FILE; its name says how: .html, .json, .ctrf.json, .md, .xml (JUnit), .github, .txt; repeatable",
    )
    parser.addini("hermetic_report", "as --hermetic-report, one a line", type="linelist", default=[])


def asked(config: pytest.Config) -> list[Path]:
    """
    The files of the reports that were asked for.

    Raises:
        pytest.UsageError: a name that stands for no format.
    """
    line: list[str] = config.getoption("--hermetic-report") or []
    ini: list[str] = config.getini("hermetic_report")
    paths = [*(Path(config.rootpath) / one for one in ini), *(config.invocation_params.dir / one for one in line)]
    if paths:
        from hermetic.record.report.writing import ReportError, format_of  # noqa: PLC0415 - only for those who ask

        for path in paths:
            try:
                format_of(path)
            except ReportError as error:
                raise pytest.UsageError(f"--hermetic-report: {error}") from error
    return paths


def journal_for(config: pytest.Config, journal: str | None) -> str | None:
    """
    Where this process's journal goes: as told, or where a report needs one, in a directory that is removed with the run.
    """
    given: Any = getattr(config, "workerinput", None)
    if given is not None:
        return given.get(_JOURNAL) or journal
    if journal is not None or not asked(config):
        return journal
    directory = tempfile.mkdtemp(prefix="hermetic-journal-")
    config.add_cleanup(lambda: shutil.rmtree(directory, ignore_errors=True))
    return str(Path(directory) / "journal.jsonl")


def copy_for(config: pytest.Config) -> Uneventful | None:
    """
    What keeps what the journal of this process is told, where a report will be made of it.
    """
    if hasattr(config, "workerinput") or not asked(config):
        return None
    from hermetic.record.report.uneventful import Uneventful  # noqa: PLC0415 - only for those who ask

    return Uneventful()


class Reporting(Hooks):
    """
    Writes the reports of the controller's process. What goes wrong is told, and changes no outcome.
    """

    def __init__(self, config: pytest.Config, journal: JournalWriter, *, copy: Uneventful | None) -> None:
        self._paths = asked(config)
        self._journal = journal
        self._copy = copy

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[_JOURNAL] = str(self._journal.path)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._paths or hasattr(terminalreporter.config, "workerinput"):
            return
        with loading():  # thousands of small objects, all of them alive until the report is written
            self._write(terminalreporter)

    def _write(self, terminalreporter: pytest.TerminalReporter) -> None:
        from hermetic.record.report.writing import write  # noqa: PLC0415 - only for those who ask

        try:
            self._journal.flush()
            document = self._document(has_workers=terminalreporter.config.pluginmanager.hasplugin("dsession"))
        except Exception as error:  # noqa: BLE001 - a report is never worth a run's outcome
            terminalreporter.line(f"Hermetic: no report: {type(error).__name__}: {error}")
            return
        if self._journal.problem:
            terminalreporter.line("Hermetic: the reports lack what could not be written to the journal by now.")
        for path in self._paths:
            try:
                write(document, path)
            except Exception as error:  # noqa: BLE001 - as above
                terminalreporter.line(f"Hermetic: {error}")
            else:
                terminalreporter.line(f"Hermetic: report written to {path}")

    def _document(self, *, has_workers: bool) -> dict[str, Any]:
        if self._copy is not None and not has_workers and not self._journal.problem:
            document = self._copy.document()
            if document is not None:
                return document
        from hermetic.record.report import TestReporter  # noqa: PLC0415 - only for runs with something to tell

        return TestReporter.from_journals(self._journal.path, run=self._journal.run).document
