"""
What can be wrong with a database file.

    StorageUnavailableError         it cannot be read or written now; the text says why and what to do
    ├── DatabaseCorruptError        its content is damaged, or it is no SQLite file
    ├── DatabaseForeignError        it is a SQLite file of another program
    ├── DatabaseInUseError          another process writes to it
    ├── DatabaseMissingError        it does not exist, and was to be read only
    └── DatabaseTooNewError         a later version of IP Monitor wrote it
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from ip_monitor.application.ports import StorageUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

_REMEDIES = {
    sqlite3.SQLITE_FULL: "Free some space; nothing that was acknowledged is lost, and writing is tried again.",
    sqlite3.SQLITE_BUSY: "Another process holds it locked; close that one. Writing is tried again.",
    sqlite3.SQLITE_LOCKED: "Another process holds it locked; close that one. Writing is tried again.",
    sqlite3.SQLITE_READONLY: "Make the file and its directory writable for this user.",
    sqlite3.SQLITE_CANTOPEN: "Check that its directory exists and that this user may use it.",
    sqlite3.SQLITE_PERM: "Make the file and its directory writable for this user.",
    sqlite3.SQLITE_IOERR: "The disk or the file system failed; look at the system's log.",
}


class DatabaseCorruptError(StorageUnavailableError):
    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        self.detail = detail
        super().__init__(
            f"{path} is damaged or is no SQLite file: {detail}. It was left as it is. Restore a backup, or start anew: "
            "the damaged file is then kept beside it under another name."
        )


class DatabaseForeignError(StorageUnavailableError):
    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} is a database of another program. It was left as it is. Name another file.")


class DatabaseInUseError(StorageUnavailableError):
    def __init__(self, path: Path, pid: int | None) -> None:
        self.path = path
        self.pid = pid
        who = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"{path} is in use by {who}, another IP Monitor. Stop that one, or name another database.")


class DatabaseMissingError(StorageUnavailableError):
    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} does not exist yet: nothing was recorded. `ip-monitor run` writes it.")


class DatabaseTooNewError(StorageUnavailableError):
    def __init__(self, path: Path, found: int, known: int) -> None:
        self.path = path
        self.found = found
        self.known = known
        super().__init__(
            f"{path} has schema version {found}, and this version of IP Monitor knows {known}. "
            "Install the version that wrote it, or a later one."
        )


def unavailable(error: sqlite3.Error, path: Path) -> StorageUnavailableError:
    """
    The error of ours that an error of SQLite stands for.
    """
    # The low byte is the primary result code. Source: sqlite.org/rescode.html
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return DatabaseCorruptError(path, str(error))
    remedy = _REMEDIES.get(code, "If it happens again, report it with this text.")
    return StorageUnavailableError(f"{path}: {error}. {remedy}")
