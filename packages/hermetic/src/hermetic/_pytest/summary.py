"""
What the terminal shows at the end: counts, warnings, and whatever went wrong in the guard itself.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hermetic._pytest.explaining import DIAGNOSES_ATTRIBUTE
from hermetic._pytest.findings import REPORT_ATTRIBUTE
from hermetic._pytest.hooks import Hooks
from hermetic._pytest.reports import telling

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from hermetic.guard.team import Team
    from hermetic.record.journal import JournalWriter


# A finding's own text and a hang's say all that their diagnoses do, and an unknown cause says nothing new.
_TOLD_ELSEWHERE = frozenset(
    {"resource.left-open", "coroutine.never-awaited", "task.failed-unseen", "test.hung", "finding", "unknown"}
)
_TELLING = frozenset({DIAGNOSES_ATTRIBUTE, REPORT_ATTRIBUTE})
_MOST_CAUSES = 10
_MOST_TESTS = 3


class Summary(Hooks):
    """
    Shows the findings of all reports, also of those that xdist's workers sent.
    """

    def __init__(self, *, team: Team, journal: JournalWriter | None) -> None:
        self._team = team
        self._journal = journal
        self._causes: dict[str, list[tuple[str, dict[str, Any]]]] = {}

    def _read_causes(self, reports: Iterable[Any]) -> None:
        for report in reports:
            for diagnosis in getattr(report, DIAGNOSES_ATTRIBUTE, ()):
                if diagnosis["rule"] not in _TOLD_ELSEWHERE:
                    self._causes.setdefault(diagnosis["cause"], []).append((report.nodeid, diagnosis))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._journal is not None and self._journal.complaint:
            terminalreporter.line(f"Hermetic: {self._journal.complaint}")
        # From what the terminal's reporter has kept: a hook that every report passes would cost every test.
        reports = telling(terminalreporter.stats, _TELLING)
        found: list[tuple[str, dict[str, Any]]] = [
            (report.nodeid, finding) for report in reports for finding in getattr(report, REPORT_ATTRIBUTE, ())
        ]
        self._read_causes(reports)
        warned = [(test, finding) for test, finding in found if finding["level"] == "warn"]
        if not found and not self._team.failures and not self._causes:
            return
        terminalreporter.section("Hermetic")
        self._show_causes(terminalreporter)
        counts = Counter(
            f"{finding['title']}" for _, finding in found if finding["level"] != "kept" for _ in range(finding["count"])
        )
        for title, count in counts.most_common():
            terminalreporter.line(f"{count:>5}  {title}")
        for title, reason in sorted({(one["title"], one["kept"]) for _, one in found if one["level"] == "kept"}):
            terminalreporter.line(f"kept on purpose: {title}: {reason}")
        for test, finding in warned:
            terminalreporter.line(f"warning: {finding['title']}: {finding['subject']}  in {test}")
        for failure in self._team.failures:
            terminalreporter.line(
                f"Hermetic's own {failure.component} failed in {failure.step} and was switched off: {failure.error}"
            )
            for line in failure.traceback.rstrip().splitlines():
                terminalreporter.line(f"    {line}")

    def _show_causes(self, terminalreporter: pytest.TerminalReporter) -> None:
        # What explains the most failures comes first.
        groups = sorted(self._causes.values(), key=len, reverse=True)
        for group in groups[:_MOST_CAUSES]:
            tests = list(dict.fromkeys(test for test, _ in group))
            diagnosis = group[0][1]
            terminalreporter.line(
                f"{len(tests):>5}  {diagnosis['cause']}  ({diagnosis['rule']}, {diagnosis['confidence']})"
            )
            more = f" and {len(tests) - _MOST_TESTS} more" if len(tests) > _MOST_TESTS else ""
            terminalreporter.line(f"       {', '.join(tests[:_MOST_TESTS])}{more}")
            for line in diagnosis["evidence"][:2]:
                terminalreporter.line(f"       evidence  {line}")
            terminalreporter.line(f"       remedy    {diagnosis['remedy']['text']}")
        if len(groups) > _MOST_CAUSES:
            terminalreporter.line(f"       and {len(groups) - _MOST_CAUSES} more causes")
