"""
Writes a report's document in the format that a file's name asks for.
"""

from __future__ import annotations

import importlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hermetic.errors import HermeticError

if TYPE_CHECKING:
    from collections.abc import Callable


def _json(contents: dict[str, Any]) -> str:
    return json.dumps(contents, indent=1, sort_keys=True) + "\n"


def _format(module: str, name: str) -> Callable[[dict[str, Any]], str]:
    # A run pays for the formats that it writes.
    def made(contents: dict[str, Any]) -> str:
        text: str = getattr(importlib.import_module(f"hermetic.record.report.{module}"), name)(contents)
        return text

    return made


# By the end of a file's name, the longest first where one ends with another.
FORMATS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    ".ctrf.json": _format("as_ctrf", "ctrf"),
    ".json": _json,
    ".html": _format("as_html", "html"),
    ".md": _format("as_markdown", "markdown"),
    ".xml": _format("as_junit", "junit"),
    ".github": _format("as_github", "github"),
    ".txt": _format("as_text", "text"),
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


def format_of(path: Path) -> Callable[[dict[str, Any]], str]:
    """
    Raises:
        ReportError: no format has this name's ending.
    """
    for ending, made in FORMATS.items():
        if path.name.endswith(ending):
            return made
    raise ReportError(path, f"its name ends with none of {', '.join(FORMATS)}.")


def write(document: dict[str, Any], path: Path) -> None:
    """
    Write the report to `path`, whole or not at all.

    Raises:
        ReportError: there is no such format, or the file cannot be written.
    """
    rendered = format_of(path)(document).encode("utf-8", "backslashreplace")
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
