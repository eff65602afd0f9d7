"""
The connections to one database file: one that writes, a bounded number that read, each in a thread of its own.

A whole transaction is handed to the writer's thread as one function. A cancelled caller therefore never leaves half a
transaction open: it runs to its end, and the caller, which no longer waits, may find it done.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import TYPE_CHECKING, TypeVar, cast

import aiosqlite

from ip_monitor.adapters.storage.sqlite.errors import DatabaseMissingError, unavailable
from ip_monitor.adapters.storage.sqlite.file import connect_reader, prepare, refuse_what_is_no_file
from ip_monitor.application.ports import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

T = TypeVar("T")
_READERS = 2


class ConnectionPool:
    """
    Args:
        path: the database file.
        read_only: no writer; the file must exist.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._path = path
        self._read_only = read_only
        self._writer: aiosqlite.Connection | None = None
        self._idle: list[aiosqlite.Connection] = []
        self._permits = asyncio.Semaphore(_READERS)
        self._closed = False

    async def start(self) -> None:
        """
        Raises:
            StorageUnavailableError: or one of its leaves.
        """
        if self._read_only:
            refuse_what_is_no_file(self._path)
            # What was only created, and is empty, holds as little as what is not there.
            if not self._path.exists() or not self._path.stat().st_size:
                raise DatabaseMissingError(self._path)
            self._idle.append(await self._open(lambda: connect_reader(self._path)))
        else:
            self._writer = await self._open(lambda: prepare(self._path))

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """
        Run `work` as one transaction in the writer's thread. It may run to its end although the caller is cancelled.
        """

        def transact(db: sqlite3.Connection) -> T:
            db.execute("BEGIN IMMEDIATE")
            try:
                result = work(db)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            return result

        if self._writer is None:
            raise StorageUnavailableError(f"{self._path} was opened to be read only, or is closed.")
        return await self._run(self._writer, transact)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """
        Run `work` on a reading connection; waits for one when all are busy.
        """
        if self._closed:
            raise StorageUnavailableError(f"{self._path} is closed.")
        async with self._permits:
            reader = self._idle.pop() if self._idle else await self._open(lambda: connect_reader(self._path))
            try:
                return await self._run(reader, work)
            finally:
                # Its thread does one thing after the other, so a reader whose caller was cancelled can be lent again.
                self._idle.append(reader)

    async def close(self) -> None:
        """
        Close all; the write-ahead log is written back into the file. Idempotent, and finishes although cancelled.
        """
        if self._closed:
            return
        self._closed = True
        await asyncio.shield(asyncio.ensure_future(self._close()))

    async def _close(self) -> None:
        for _ in range(_READERS):
            await self._permits.acquire()
        for reader in self._idle:
            await reader.close()
        self._idle.clear()
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                await self._run(writer, lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
            except StorageUnavailableError:
                # A full disk: what is in the log stays in the log, and the next start reads it.
                pass
            finally:
                await writer.close()

    async def _open(self, connector: Callable[[], sqlite3.Connection]) -> aiosqlite.Connection:
        opening = asyncio.ensure_future(_connection(connector))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            with contextlib.suppress(StorageUnavailableError, sqlite3.Error):
                await (await opening).close()
            raise
        except sqlite3.Error as error:
            raise unavailable(error, self._path) from error

    async def _run(self, connection: aiosqlite.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            # aiosqlite offers single statements; a transaction has to be one piece of work for its thread. Its method
            # for that is private and without types.
            execute = cast("Callable[..., Awaitable[T]]", getattr(connection, "_execute"))  # noqa: B009 - see above
            result = await execute(work, connection._conn)  # noqa: SLF001 - see above
        except sqlite3.Error as error:
            raise unavailable(error, self._path) from error
        return result


async def _connection(connector: Callable[[], sqlite3.Connection]) -> aiosqlite.Connection:
    """
    A connection whose thread is ended when it cannot be opened. aiosqlite only asks it to end and does not wait, so
    that it may report to a loop that is closed by then.
    """
    failures: list[Exception] = []

    def connect_or_note() -> sqlite3.Connection:
        try:
            return connector()
        except Exception as error:  # noqa: BLE001 - raised again below
            failures.append(error)
            return sqlite3.connect(":memory:", check_same_thread=False)

    connection = await aiosqlite.Connection(connect_or_note, 64)
    if failures:
        await connection.close()
        raise failures[0]
    return connection
