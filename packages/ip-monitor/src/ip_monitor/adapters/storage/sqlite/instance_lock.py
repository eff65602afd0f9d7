"""
One writing process for one database.

The lock is a file of its own beside the database: opening and closing the database file itself would drop SQLite's own
locks in this process (POSIX locks belong to the process, fcntl(2)). The kernel releases it when the process ends,
however it ends; the file stays, because removing it would let two processes lock two files of the same name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from ip_monitor.adapters.storage.sqlite.errors import DatabaseInUseError
from ip_monitor.application.ports import StorageUnavailableError


class InstanceLock:
    """
    Holds `<database>.lock`, with this process's id in it, until released.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(database.name + ".lock")
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """
        Raises:
            DatabaseInUseError: another process holds it; names its id.
            StorageUnavailableError: the lock file cannot be made.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageUnavailableError(
                f"{self._path} cannot be made ({error.strerror}). Make its directory writable for this user."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = _read_pid(descriptor)
            os.close(descriptor)
            raise DatabaseInUseError(self._database, pid) from error
        # A full disk may refuse the few bytes; the lock holds all the same, only without its name.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """
        Idempotent.
        """
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def holder(database: Path) -> int | None:
    """
    The process that writes `database` now, None when there is none or it cannot be told.

    Asks the kernel's list and not the lock itself, because a look must never stand in the way of a monitor that starts.

    Source: proc(5), /proc/locks.
    """
    try:
        with database.with_name(database.name + ".lock").open("rb") as file:
            inode, text = os.fstat(file.fileno()).st_ino, file.read(32).strip()
        held = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    pid = int(text) if text.isdigit() else None
    for words in (line.split() for line in held):
        if "FLOCK" in words and words[-3].rpartition(":")[2] == str(inode) and words[-4] == str(pid):
            return pid
    return None


def _read_pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None
