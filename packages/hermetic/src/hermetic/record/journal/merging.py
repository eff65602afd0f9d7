"""
Several journals in one file, each whole with its own header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.record.journal.place import JournalError
from hermetic.record.journal.reading import read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def merge(paths: Sequence[Path], output: Path) -> int:
    """
    Copy the journals at `paths` into `output`, in the order in which they began; returns how many there are.

    Lines are copied as they stand, also those of a newer version.

    Raises:
        NotAJournalError: a path holds no journal.
        JournalError: `output` cannot be written, or is one of the journals.
    """
    journals = read(*paths)
    sources = list(dict.fromkeys(one.path for one in journals))
    if output.resolve() in {source.resolve() for source in sources}:
        raise JournalError(output, "it is one of the journals to be merged", "Name another file.")
    try:
        with output.open("wb") as file:
            for source in sources:
                data = source.read_bytes()
                file.write(data if data.endswith(b"\n") else data + b"\n")
    except OSError as error:
        raise JournalError(output, error.strerror or str(error)) from error
    return len(journals)
