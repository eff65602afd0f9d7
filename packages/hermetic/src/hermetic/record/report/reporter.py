"""
`TestReporter`: a run, written in the format that a file's name asks for.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from hermetic.record.journal.reading import read
from hermetic.record.report.comparing import differences
from hermetic.record.report.document import document
from hermetic.record.report.writing import format_of, write
from hermetic.record.run import Run, build

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self


class TestReporter:
    """
    Reports of one run. All formats are made from `document`, so their counts agree. With a run `before`, JSON and the page
    say as well what differs from it.
    """

    __test__ = False

    def __init__(self, run: Run, *, before: Run | None = None) -> None:
        self.run = run
        self.before = before

    @classmethod
    def from_journals(cls, *paths: Path | str, run: str = "") -> Self:
        """
        Read journals and put them together; with `run`, only those of the run of that id.

        Raises:
            NotAJournalError: a path holds no journal.
        """
        journals = read(*paths)
        return cls(build([one for one in journals if not run or one.run == run]))

    @cached_property
    def document(self) -> dict[str, Any]:
        made = document(self.run)
        return made if self.before is None else {**made, "comparison": differences(self.before, self.run)}

    def render(self, path: Path) -> str:
        """
        The report in the format that the name of `path` asks for.

        Raises:
            ReportError: there is no such format.
        """
        return format_of(path)(self.document)

    def write(self, path: Path) -> None:
        """
        Write the report to `path`, whole or not at all.

        Raises:
            ReportError: there is no such format, or the file cannot be written.
        """
        write(self.document, path)
