"""
At the end of a run, before it joins the history: what the history knew of the tests that did not pass goes into the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hermetic._pytest.histories import directory_of
from hermetic._pytest.hooks import Hooks
from hermetic.errors import HermeticError

if TYPE_CHECKING:
    from hermetic.foundation import Sink

_BAD = ("failed", "error", "rerun", "unstable")


class PastTelling(Hooks):
    """
    Only in the process that has all reports: the controller of xdist, or the one that there is.
    """

    def __init__(self, config: pytest.Config, sink: Sink) -> None:
        self._config = config
        self._sink = sink

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        directory = directory_of(self._config)
        reporter: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if directory is None or reporter is None or not directory.is_dir():
            return
        # From what the terminal's reporter has kept: a hook that every report passes would cost every test.
        reports = [report for kind in _BAD for report in reporter.stats.get(kind, ())]
        bad = list(dict.fromkeys(one.nodeid for one in reports if isinstance(one, pytest.TestReport)))
        from hermetic.record.history.spool import FILE  # noqa: PLC0415 - only for runs that have a history

        if not bad and not (directory / FILE).exists():
            return  # a run in which all is well takes nothing in, and so there is nobody to be asked
        import sqlite3  # noqa: PLC0415 - only for runs that have a history

        from hermetic.record.past import past  # noqa: PLC0415 - as above

        try:
            for event in past(directory, bad, tests=session.testscollected):
                self._sink.emit(event)
        except (HermeticError, OSError, sqlite3.Error) as error:
            # What the history cannot say decides nothing about the tests; the end of the run tells of the history itself.
            reporter.line(f"Hermetic: the history in {directory} was not asked: {error}")
