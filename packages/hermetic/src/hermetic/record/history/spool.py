"""
Leaving a run beside the history, at next to no cost, for whoever asks the history first.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hermetic.record.history.runs import to_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hermetic.record.history.runs import Run, Try

SPOOL = "runs"
FILE = "history.sqlite3"
"""
The database that takes them in.
"""


def spool(directory: Path, run: Run, tries: Iterable[Try]) -> Path:
    """
    Leave a run to be taken in later. The file appears whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    where = directory / SPOOL
    where.mkdir(parents=True, exist_ok=True)
    ignore = directory / ".gitignore"
    if not ignore.exists():
        ignore.write_text("# Written by Hermetic: how tests fared on this machine.\n*\n")
    # The length of a name is bounded; the id is ours, or checked to be a plain word when it is taken in.
    file = where / f"{run.id}.jsonl"
    part = file.with_suffix(f".part{os.getpid()}")
    part.write_text("".join(f"{line}\n" for line in to_lines(run, tries)), encoding="ascii")
    part.replace(file)
    return file
