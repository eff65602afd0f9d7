"""
Where a journal goes: a file of its own for each run and process, whatever lies there already.

The file is locked while it is written. A file of the same run is continued, since a run may take several processes one
after the other; one of an earlier run is kept under `NAME.previous.jsonl`; and when another run is writing there, or
nothing can be written there, the journal goes elsewhere and says where. Nothing is lost, and no test fails for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from hermetic.errors import HermeticError

_NEXT = 100


class JournalError(HermeticError, OSError):
    """
    A journal that cannot be opened.
    """

    def __init__(self, path: Path, reason: str, remedy: str = "Name a file in a directory that is writable.") -> None:
        super().__init__(path, reason, remedy)
        self.path = path
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"the journal {self.path} cannot be written: {self.reason}. {self.remedy}"


class Place:
    """
    An open, locked file at `path`; `told` says why it is another one than was asked for, empty when it is not.
    """

    __slots__ = ("file", "path", "told")

    def __init__(self, *, path: Path, file: int, told: str = "") -> None:
        self.path = path
        self.file = file
        self.told = told


def take(path: Path, *, run: str) -> Place:
    """
    Open `path` for the run of that id.

    Raises:
        JournalError: nothing can be written there.
    """
    for number in range(1, _NEXT):
        candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        file = _open(candidate)
        if _is_locked(file):
            os.close(file)
            continue
        told = f"{path} is being written by another run; this run's journal is {candidate}" if number > 1 else ""
        return Place(path=candidate, file=_fresh(candidate, file, run), told=told)
    raise JournalError(path, f"{_NEXT} runs are writing there")


def take_somewhere(path: Path, *, run: str) -> Place:
    """
    The same, in the directory for temporary files when nothing can be written at `path`.

    Raises:
        JournalError: nothing can be written there either.
    """
    try:
        return take(path, run=run)
    except JournalError as error:
        other = Path(tempfile.gettempdir()) / f"hermetic-{run}-{path.name}"
        place = take(other, run=run)
        return Place(
            path=place.path,
            file=place.file,
            told=f"the journal {path} cannot be written: {error.reason}. This run's journal is {place.path}",
        )


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise JournalError(path, error.strerror or str(error)) from error


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file system without locks: appending keeps lines whole
    return False


def _fresh(path: Path, file: int, run: str) -> int:
    # Only a regular file of another run is moved aside; a device is what it is.
    if not path.is_file() or os.fstat(file).st_size == 0 or _run_in(file) == run:
        return file
    with contextlib.suppress(OSError):
        path.replace(path.with_name(f"{path.stem}.previous{path.suffix}"))
        moved = _open(path)
        _is_locked(moved)
        os.close(file)
        return moved
    return file


def _run_in(file: int) -> str:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        header: dict[str, Any] = json.loads(os.pread(file, 8192, 0).partition(b"\n")[0])
        return str(header.get("run", ""))
    return ""
