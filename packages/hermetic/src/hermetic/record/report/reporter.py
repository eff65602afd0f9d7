"""
`TestReporter`: a run, written in the format that a file's name asks for.
"""

from __future__ import annotations

import json
import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hermetic.errors import HermeticError
from hermetic.record.journal.reading import read
from hermetic.record.report.as_ctrf import ctrf
from hermetic.record.report.as_github import github
from hermetic.record.report.as_html import html
from hermetic.record.report.as_junit import junit
from hermetic.record.report.as_markdown import markdown
from hermetic.record.report.as_text import text
from hermetic.record.report.comparing import differences
from hermetic.record.report.document import document
from hermetic.record.run import Run, build

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self


def as_json(contents: dict[str, Any]) -> str:
    return json.dumps(contents, indent=1, sort_keys=True) + "\n"


# By the end of a file's name, the longest first where one ends with another.
FORMATS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    ".ctrf.json": ctrf,
    ".json": as_json,
    ".html": html,
    ".md": markdown,
    ".xml": junit,
    ".github": github,
    ".txt": text,
}


class ReportError(HermeticError, ValueError):
    """
    A report that cannot be written: a format that does not exist, or a file that cannot be had.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"no report can be written to {self.path}: {self.reason}"


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
        rendered = self.render(path).encode("utf-8", "backslashreplace")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(rendered)
                Path(name).chmod(0o644)
                Path(name).replace(path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise ReportError(path, f"{error.strerror}. Name a file in a directory that is writable.") from error


def format_of(path: Path) -> Callable[[dict[str, Any]], str]:
    """
    Raises:
        ReportError: no format has this name's ending.
    """
    for ending, made in FORMATS.items():
        if path.name.endswith(ending):
            return made
    raise ReportError(path, f"its name ends with none of {', '.join(FORMATS)}.")
