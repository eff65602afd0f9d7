"""
What the terminal shows at the end: counts, warnings, and whatever went wrong in the guard itself.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hermetic._pytest.findings import REPORT_ATTRIBUTE

if TYPE_CHECKING:
    import pytest

    from hermetic.guard.team import Team
    from hermetic.record.journal import JournalWriter


class Summary:
    """
    Collects the findings of all reports, also of those that xdist's workers sent.
    """

    def __init__(self, *, team: Team, journal: JournalWriter | None) -> None:
        self._team = team
        self._journal = journal
        self._found: list[tuple[str, dict[str, Any]]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for finding in getattr(report, REPORT_ATTRIBUTE, ()):
            self._found.append((report.nodeid, finding))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._journal is not None and self._journal.complaint:
            terminalreporter.line(f"Hermetic: {self._journal.complaint}")
        warned = [(test, finding) for test, finding in self._found if finding["level"] == "warn"]
        if not self._found and not self._team.failures:
            return
        terminalreporter.section("Hermetic")
        counts = Counter(
            f"{finding['title']}"
            for _, finding in self._found
            if finding["level"] != "kept"
            for _ in range(finding["count"])
        )
        for title, count in counts.most_common():
            terminalreporter.line(f"{count:>5}  {title}")
        for title, reason in sorted({(one["title"], one["kept"]) for _, one in self._found if one["level"] == "kept"}):
            terminalreporter.line(f"kept on purpose: {title}: {reason}")
        for test, finding in warned:
            terminalreporter.line(f"warning: {finding['title']}: {finding['subject']}  in {test}")
        for failure in self._team.failures:
            terminalreporter.line(
                f"Hermetic's own {failure.component} failed in {failure.step} and was switched off: {failure.error}"
            )
            for line in failure.traceback.rstrip().splitlines():
                terminalreporter.line(f"    {line}")
