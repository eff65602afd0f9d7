"""
Writes a journal that survives the death of its process.

Each event is one `write` of one line to a file opened for appending: what `emit` has returned from is in the kernel's
hands, so a killed process loses nothing of it, and two processes that share a file do not tear one another's lines
(Source: POSIX write(2) with O_APPEND). Only a machine that loses power can lose lines; there is no fsync.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

from hermetic._version import __version__
from hermetic.errors import HermeticError
from hermetic.record.journal.line import SCHEMA_VERSION, encode, line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from hermetic.foundation import Event


class JournalError(HermeticError, OSError):
    """
    A journal that cannot be opened.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"the journal {self.path} cannot be written: {self.reason}. Name a file in a directory that is writable."


class JournalWriter:
    """
    A Sink that appends to a file. Safe from any thread; `emit` never raises.

    When writing fails later (a full disk), the first reason is kept in `problem`, writing is tried again with each
    event, and `lost` counts the events that are not in the file.
    """

    def __init__(self, path: Path, *, wall_clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.problem = ""
        self.lost = 0
        self._lock = threading.Lock()
        self._torn = False
        self._pid = os.getpid()
        self._file = _open(path)
        header = {
            "kind": "journal",
            "schema": SCHEMA_VERSION,
            "hermetic": __version__,
            "pid": self._pid,
            "started_at": wall_clock(),
            "at_s": time.monotonic(),
        }
        self._write(line(header))

    def emit(self, event: Event) -> None:
        try:
            data = encode(event)
        except Exception as error:  # noqa: BLE001 - a sink never raises; what cannot be encoded is told
            self._lose(f"{event.kind} could not be encoded: {type(error).__name__}: {error}")
            return
        self._write(data)

    def _write(self, data: bytes) -> None:
        with self._lock:
            if self._file < 0 or self._pid != os.getpid():
                # A forked child has its own story; two processes would claim one header.
                return
            try:
                # A line that was cut off ends first, so that only that one is lost.
                whole = b"\n" + data if self._torn else data
                written = os.write(self._file, whole)
                self._torn = written < len(whole)
                if self._torn:
                    self._lose(f"only {written} of {len(whole)} bytes fitted")
            except OSError as error:
                self._lose(error.strerror or str(error))

    def _lose(self, why: str) -> None:
        self.lost += 1
        self.problem = self.problem or why

    def close(self) -> None:
        """
        Close the file; later events are ignored. May be called more than once.
        """
        with self._lock:
            file, self._file = self._file, -1
        if file >= 0:
            with contextlib.suppress(OSError):
                os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise JournalError(path, error.strerror or str(error)) from error
