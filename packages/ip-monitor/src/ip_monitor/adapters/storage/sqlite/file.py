"""
Opening a database file: its directory, its pragmas, its soundness, and setting a damaged one aside.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING, Literal

from ip_monitor.adapters.storage.sqlite.errors import DatabaseCorruptError, unavailable
from ip_monitor.adapters.storage.sqlite.schema import check_ownership, migrate
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.settings.durable import sync_directory

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_BUSY_TIMEOUT_S = 5.0
_HEADER = b"SQLite format 3\x00"


def connect(path: Path, *, mode: Literal["rwc", "ro", "ro&immutable=1"]) -> sqlite3.Connection:
    """
    A connection in autocommit mode; transactions are written out. Usable from any one thread at a time.
    """
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT_S, check_same_thread=False)
    db.row_factory = sqlite3.Row
    return db


def connect_reader(path: Path) -> sqlite3.Connection:
    """
    A connection for looking, to a database of ours. Blocks.

    SQLite makes files beside a database in WAL mode even to read it, and gives them the database's own rights. Where it may
    not make them, as on a backup medium, it fails; beside a file that may only be read it leaves some that a later writer
    cannot use. So for who may not write here it is told that nobody does; without a log beside the database that is so.

    Raises:
        sqlite3.Error: it cannot be read.
        DatabaseForeignError, DatabaseTooNewError: it is not for us.

    Source: sqlite.org/wal.html, "Read-Only Databases".
    """
    may_write = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    is_at_rest = not path.with_name(path.name + "-wal").exists()
    db = connect(path, mode="ro&immutable=1" if is_at_rest and not may_write else "ro")
    try:
        check_ownership(db, path)
    except BaseException:
        db.close()
        raise
    return db


def make_directory(path: Path) -> None:
    """
    Raises:
        StorageUnavailableError: it cannot be made, or `path` is something other than a file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnavailableError(
            f"{path.parent} cannot be made or read ({error.strerror}). Name a directory that this user may write."
        ) from error
    refuse_what_is_no_file(path)


def refuse_what_is_no_file(path: Path) -> None:
    """
    Raises:
        StorageUnavailableError: there is something other than a file at `path`.
    """
    try:
        is_other = path.exists() and not path.is_file()
    except OSError as error:
        raise StorageUnavailableError(
            f"{path} cannot be looked at ({error.strerror}). Name a file that this user may read."
        ) from error
    if is_other:
        raise StorageUnavailableError(f"{path} is not a file. Name a file for the database.")


def prepare(path: Path) -> sqlite3.Connection:
    """
    A writing connection to a sound database of the latest schema. Blocks.

    Raises:
        StorageUnavailableError: or one of its leaves; then nothing is left open and the file is as it was.
    """
    try:
        _check_header(path)
        db = connect(path, mode="rwc")
    except sqlite3.Error as error:
        raise unavailable(error, path) from error
    try:
        check_ownership(db, path)
        check_integrity(db, path)
        # FULL: an acknowledged write survives a power loss, at one fsync a commit.
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA foreign_keys = ON")
        migrate(db)
    except sqlite3.Error as error:
        db.close()
        raise unavailable(error, path) from error
    except BaseException:
        db.close()
        raise
    return db


def check_integrity(db: sqlite3.Connection, path: Path) -> None:
    """
    Raises:
        DatabaseCorruptError: SQLite's own check finds damage; its first finding is quoted.
    """
    finding = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if finding != "ok":
        raise DatabaseCorruptError(path, str(finding).strip().splitlines()[-1])


def _check_header(path: Path) -> None:
    # SQLite takes a file that it cannot decrypt or read as "not a database" only at the first statement, and an
    # unreadable one as "unable to open"; this tells them apart with the system's own reason.
    try:
        with path.open("rb") as file:
            header = file.read(len(_HEADER))
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageUnavailableError(
            f"{path} cannot be read ({error.strerror}). Make it readable and writable for this user."
        ) from error
    # SQLite opens a file that it may not write for reading, and says so at the first change that is lost.
    if not os.access(path, os.W_OK):
        raise StorageUnavailableError(
            f"{path} may not be written. Make the file and its directory writable for this user, or name another database."
        )
    if header and header != _HEADER:
        raise DatabaseCorruptError(path, "it does not begin as SQLite files do")


def set_aside(path: Path, *, at: datetime) -> Path:
    """
    Rename a database with its write-ahead log so that a new one can start; what is there is never overwritten.

    Returns:
        the new name of the database file.
    """
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    kept = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    # The log first: a database that starts anew beside an old log would take its pages.
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
    with contextlib.suppress(OSError):  # the files are where they are; only a power loss could take the names back
        sync_directory(path.parent)
    return kept
