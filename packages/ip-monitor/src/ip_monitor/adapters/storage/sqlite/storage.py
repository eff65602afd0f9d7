"""
IPStorage, BallotStore and Outbox on one SQLite file.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ip_monitor.adapters.storage.sqlite import administration, codec, maintenance, providers
from ip_monitor.adapters.storage.sqlite.errors import DatabaseCorruptError
from ip_monitor.adapters.storage.sqlite.file import make_directory, set_aside
from ip_monitor.adapters.storage.sqlite.instance_lock import InstanceLock
from ip_monitor.adapters.storage.sqlite.pool import ConnectionPool
from ip_monitor.adapters.storage.sqlite.schema import LATEST, version_of
from ip_monitor.application.cancellation import see_through
from ip_monitor.application.ports import LastTold
from ip_monitor.domain.addresses import AddressPolicy
from ip_monitor.domain.notices import REMINDER_PRIORITY, DeliveryState, notice_key, reminder_key
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.resilience.clock import Clock, SystemClock, utc_now

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from ip_monitor.adapters.storage.sqlite.maintenance import Retention
    from ip_monitor.application.providers import ManagedProvider
    from ip_monitor.domain.addresses import Address, Family
    from ip_monitor.domain.audit import AuditEntry
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.changes import Change, CurrentAddress
    from ip_monitor.domain.notices import Notice

_LONGEST_REASON = 500


class SQLiteIPStorage:
    """
    Made by `open`. Every method may raise `StorageUnavailableError`; none blocks the loop.

    Attributes:
        path: the database file.
        set_aside: where a damaged database was kept, when this one was started anew.
    """

    def __init__(self, path: Path, pool: ConnectionPool, lock: InstanceLock | None) -> None:
        self.path = path
        self.set_aside: Path | None = None
        self._pool = pool
        self._lock = lock

    def __repr__(self) -> str:
        return f"<SQLiteIPStorage {self.path}>"

    @classmethod
    async def open(
        cls, path: Path, *, read_only: bool = False, start_anew: bool = False, clock: Clock | None = None
    ) -> SQLiteIPStorage:
        """
        Open the file, making it and its directory when they do not exist.

        Args:
            path: the database file; beside it live its write-ahead log and, while it is written, `<name>.lock`.
            read_only: for looking while another process writes; needs an existing file.
            start_anew: when the file turns out damaged, keep it under another name and begin a new one.
            clock: dates the name of a file set aside.

        Raises:
            DatabaseInUseError: another process writes to it.
            DatabaseCorruptError: it is damaged and `start_anew` is off; the file is left as it was.
            StorageUnavailableError: any other reason.
        """
        lock = None if read_only else InstanceLock(path)
        kept = None
        try:
            if lock is not None:
                await see_through(asyncio.to_thread(_take_place, path, lock))
            pool = ConnectionPool(path, read_only=read_only)
            try:
                await pool.start()
            except DatabaseCorruptError:
                if not start_anew or read_only:
                    raise
                kept = await see_through(asyncio.to_thread(set_aside, path, at=utc_now(clock or SystemClock())))
                pool = ConnectionPool(path, read_only=read_only)
                await pool.start()
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        storage = cls(path, pool, lock)
        storage.set_aside = kept
        return storage

    async def close(self) -> None:
        """
        Write everything into the file and leave nothing open. Idempotent.
        """
        try:
            await self._pool.close()
        finally:
            if self._lock is not None:
                self._lock.release()

    async def save_current_ip(
        self, change: Change, *, ballots: Sequence[Ballot] = (), sinks: Sequence[str] = ()
    ) -> None:
        await self._pool.write(lambda db: _save_change(db, change, ballots, sinks))

    async def load_last_ip(self, family: Family) -> Address | None:
        current = await self.get_current_ip(family)
        return None if current is None else current.address

    async def get_current_ip(self, family: Family) -> CurrentAddress | None:
        def work(db: sqlite3.Connection) -> CurrentAddress | None:
            query = "SELECT address, since, seen_at FROM current WHERE family = ?"
            row = db.execute(query, (family.value,)).fetchone()
            return None if row is None else codec.current_of(row)

        return await self._pool.read(work)

    async def count_changes(self) -> int:
        """
        How many changes are on disk.
        """
        return await self._pool.read(lambda db: int(db.execute("SELECT count(*) FROM changes").fetchone()[0]))

    async def get_ip_history(
        self, *, family: Family | None = None, limit: int = 100, before: str | None = None
    ) -> Sequence[Change]:
        def work(db: sqlite3.Connection) -> list[Change]:
            query = (
                f"SELECT {codec.change_columns(version_of(db))} FROM changes"  # noqa: S608 - constant text
                " WHERE (:family IS NULL OR family = :family) AND id < coalesce("
                # One bound on the primary key, so that a page in the middle is found and not walked to.
                "CASE WHEN :before IS NULL THEN 9223372036854775807 ELSE (SELECT id FROM changes WHERE key = :before) END, 0)"
                " ORDER BY id DESC LIMIT :limit"
            )
            values = {"family": family and family.value, "before": before, "limit": limit}
            return [codec.change_of(row) for row in db.execute(query, values)]

        return await self._pool.read(work)

    async def save_ballots(self, ballots: Sequence[Ballot]) -> None:
        await self._pool.write(lambda db: _save_ballots(db, ballots, change_id=None))

    async def ballots_of(self, change_key: str) -> Sequence[Ballot]:
        def work(db: sqlite3.Connection) -> list[Ballot]:
            query = (
                f"SELECT {codec.BALLOT_COLUMNS} FROM ballots"  # noqa: S608 - constant text
                " WHERE change_id = (SELECT id FROM changes WHERE key = ?) ORDER BY id"
            )
            return [codec.ballot_of(row) for row in db.execute(query, (change_key,))]

        return await self._pool.read(work)

    async def last_ballots(self, *, family: Family | None = None, limit: int = 1) -> Sequence[Ballot]:
        def work(db: sqlite3.Connection) -> list[Ballot]:
            query = (
                f"SELECT {codec.BALLOT_COLUMNS} FROM ballots"  # noqa: S608 - constant text
                " WHERE (:family IS NULL OR family = :family) ORDER BY id DESC LIMIT :limit"
            )
            values = {"family": family and family.value, "limit": limit}
            return [codec.ballot_of(row) for row in db.execute(query, values)]

        return await self._pool.read(work)

    async def pending_notices(self, *, sink: str, limit: int = 100) -> Sequence[Notice]:
        def work(db: sqlite3.Connection) -> list[Notice]:
            query = (
                "SELECT deliveries.key AS delivery_key, sink, attempts, created_at, due_at, priority, told_key,"  # noqa: S608 - constant
                f" {codec.change_columns(LATEST)} FROM deliveries JOIN changes ON changes.id = change_id"
                " WHERE state = 'pending' AND sink = ? ORDER BY priority DESC, change_id LIMIT ?"
            )
            return [codec.notice_of(row) for row in db.execute(query, (sink, limit))]

        return await self._pool.read(work)

    async def last_told(self, family: Family) -> LastTold | None:
        """
        The newest change of a family, and when anybody was last to be told of it; None before the first.
        """

        def work(db: sqlite3.Connection) -> LastTold | None:
            query = (
                f"SELECT {codec.change_columns(LATEST)}, max(deliveries.created_at) AS told_at,"  # noqa: S608 - constant
                " count(told_key) AS reminders FROM changes LEFT JOIN deliveries ON change_id = changes.id"
                " WHERE changes.id = (SELECT max(id) FROM changes WHERE family = ?) GROUP BY changes.id"
            )
            row = db.execute(query, (family.value,)).fetchone()
            if row is None:
                return None
            told_at = row["at"] if row["told_at"] is None else row["told_at"]
            return LastTold(
                change=codec.change_of(row), told_at=codec.time_of(told_at), is_reminded=row["reminders"] > 0
            )

        return await self._pool.read(work)

    async def add_reminder(self, change: Change, *, at: datetime, sinks: Sequence[str]) -> None:
        """
        One more delivery of a change to each sink, of low priority. The same twice changes nothing.
        """
        told_key, created = reminder_key(change.key, at), codec.time_text(at)
        statement = (
            "INSERT INTO deliveries (key, change_id, sink, state, created_at, due_at, priority, told_key)"
            " SELECT ?, id, ?, 'pending', ?, ?, ?, ? FROM changes WHERE key = ? ON CONFLICT (key) DO NOTHING"
        )
        rows = [
            (notice_key(told_key, sink), sink, created, created, REMINDER_PRIORITY, told_key, change.key)
            for sink in dict.fromkeys(sinks)
        ]
        await self._pool.write(lambda db: db.executemany(statement, rows).rowcount)

    async def mark_delivered(self, notice: Notice, *, at: datetime) -> None:
        await self._finish(notice, DeliveryState.DELIVERED, at=at, reason=None)

    async def mark_failed(self, notice: Notice, *, at: datetime, reason: str) -> None:
        await self._finish(notice, DeliveryState.FAILED, at=at, reason=reason)

    async def mark_retry(self, notice: Notice, *, due_at: datetime, reason: str) -> None:
        statement = (
            "UPDATE deliveries SET attempts = attempts + 1, due_at = ?, reason = ? WHERE key = ? AND state = 'pending'"
        )
        values = (codec.time_text(due_at), reason[:_LONGEST_REASON], notice.key)
        await self._pool.write(lambda db: db.execute(statement, values).rowcount)

    async def mark_expired(self, notice: Notice, *, at: datetime) -> None:
        await self._finish(notice, DeliveryState.EXPIRED, at=at, reason="older than it is worth telling")

    async def count_deliveries(self) -> dict[str, dict[DeliveryState, int]]:
        """
        How many deliveries are in which state, by sink.
        """

        def work(db: sqlite3.Connection) -> dict[str, dict[DeliveryState, int]]:
            counts: dict[str, dict[DeliveryState, int]] = {}
            for sink, state, count in db.execute("SELECT sink, state, count(*) FROM deliveries GROUP BY sink, state"):
                counts.setdefault(sink, {})[DeliveryState(state)] = count
            return counts

        return await self._pool.read(work)

    async def clear_pending(self, *, at: datetime, sink: str | None = None) -> int:
        """
        Give up what is still to be sent, to one sink or to all; it stays on record. Tells how many there were.
        """
        statement = (
            "UPDATE deliveries SET state = 'expired', finished_at = :at, reason = 'cleared by hand'"
            " WHERE state = 'pending' AND (:sink IS NULL OR sink = :sink)"
        )
        values = {"at": codec.time_text(at), "sink": sink}
        return await self._pool.write(lambda db: db.execute(statement, values).rowcount)

    async def retry_failed(self, *, at: datetime, sink: str | None = None) -> int:
        """
        Put what a receiver refused, or what waits for its next try, back as due now. Tells how many there were.
        """
        statement = (
            "UPDATE deliveries SET state = 'pending', due_at = :at, finished_at = NULL, attempts = 0"
            " WHERE state IN ('failed', 'pending') AND (:sink IS NULL OR sink = :sink)"
        )
        values = {"at": codec.time_text(at), "sink": sink}
        return await self._pool.write(lambda db: db.execute(statement, values).rowcount)

    async def load_providers(self) -> Sequence[ManagedProvider]:
        return await self._pool.read(providers.load)

    async def save_provider(self, provider: ManagedProvider) -> None:
        await self._pool.write(lambda db: providers.save(db, provider))

    async def delete_provider(self, name: str) -> None:
        await self._pool.write(lambda db: providers.delete(db, name))

    async def add_audit(self, entry: AuditEntry) -> None:
        await self._pool.write(lambda db: administration.add_audit(db, entry))

    async def list_audit(self, *, limit: int = 100) -> Sequence[AuditEntry]:
        return await self._pool.read(lambda db: administration.list_audit(db, limit=limit))

    async def load_state(self) -> dict[str, str]:
        """
        What outlives a restart although it is no setting, by name.
        """
        return await self._pool.read(administration.load_state)

    async def save_state(self, name: str, value: str | None) -> None:
        """
        Keep one of them, or with None forget it.
        """
        await self._pool.write(lambda db: administration.save_state(db, name, value))

    async def trim(self, retention: Retention, *, now: datetime) -> tuple[int, int]:
        """
        Delete what is beyond the retention; tells how many changes and ballots went.
        """
        return await self._pool.write(lambda db: maintenance.trim(db, retention, now=now))

    async def backup(self, target: Path) -> None:
        """
        Copy the database, in use as it is, to a file that does not exist yet.
        """
        await self._pool.read(lambda db: maintenance.copy_to(db, target))

    async def import_legacy(
        self, *, last_ip: Path | None = None, history: Path | None = None, policy: AddressPolicy | None = None
    ) -> int:
        """
        Take up the files of the older program, once: only into a database without any change. Announces nothing.
        Tells how many changes were taken.

        Raises:
            ImportRefusedError: a file cannot be taken up; nothing of it was.
        """

        def work(db: sqlite3.Connection) -> int:
            if not maintenance.is_empty(db):
                return 0
            changes = maintenance.read_legacy(last_ip, history, policy=policy or AddressPolicy())
            for change in changes:
                _save_change(db, change, (), ())
            return len(changes)

        return await self._pool.write(work)

    async def _finish(self, notice: Notice, state: DeliveryState, *, at: datetime, reason: str | None) -> None:
        statement = (
            "UPDATE deliveries SET state = ?, attempts = attempts + 1, finished_at = ?, reason = ?"
            " WHERE key = ? AND state = 'pending'"
        )
        values = (state.value, codec.time_text(at), reason and reason[:_LONGEST_REASON], notice.key)
        await self._pool.write(lambda db: db.execute(statement, values).rowcount)


def _take_place(path: Path, lock: InstanceLock) -> None:
    # In a thread: a disk may let each of these wait.
    make_directory(path)
    lock.acquire()


def _save_change(db: sqlite3.Connection, change: Change, ballots: Sequence[Ballot], sinks: Sequence[str]) -> None:
    inserted = db.execute(
        "INSERT INTO changes (key, family, address, previous, at, previous_since, operators, pool)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
        codec.change_row(change),
    )
    if inserted.rowcount == 0:
        return
    change_id = inserted.lastrowid
    at = codec.time_text(change.at)
    db.execute(
        "INSERT INTO current (family, address, since, seen_at) VALUES (?, ?, ?, ?) ON CONFLICT (family)"
        " DO UPDATE SET address = excluded.address, since = excluded.since, seen_at = excluded.seen_at",
        (change.family.value, str(change.address), at, at),
    )
    _save_ballots(db, ballots, change_id=change_id)
    db.executemany(
        "INSERT INTO deliveries (key, change_id, sink, state, created_at, due_at) VALUES (?, ?, ?, 'pending', ?, ?)",
        [(notice_key(change.key, sink), change_id, sink, at, at) for sink in dict.fromkeys(sinks)],
    )


def _save_ballots(db: sqlite3.Connection, ballots: Sequence[Ballot], *, change_id: int | None) -> None:
    db.executemany(
        "INSERT INTO ballots (change_id, family, at, kind, address, previous, reason, detail)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(change_id, *codec.ballot_row(ballot)) for ballot in ballots],
    )
    db.executemany(
        # Of IPv6 the host part may have been replaced; the line is the same, and since when it is known stays.
        "UPDATE current SET seen_at = ?, address = ? WHERE family = ? AND address = ?",
        [
            (codec.time_text(ballot.at), str(ballot.verdict.address), ballot.family.value, str(ballot.previous))
            for ballot in ballots
            if ballot.verdict.kind is VerdictKind.STABLE
        ],
    )
