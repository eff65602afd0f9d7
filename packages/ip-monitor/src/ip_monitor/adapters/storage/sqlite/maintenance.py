"""
What keeps a database small and safe: trimming, copies, and taking up the files of an older program.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, cast

from ip_monitor.adapters.storage.sqlite import codec
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.domain.addresses import Address, AddressPolicy, AddressRefusedError, Family, parse
from ip_monitor.domain.changes import Change
from ip_monitor.errors import IPMonitorError
from ip_monitor.settings.durable import sync_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_JSON: TypeAlias = dict[str, "_JSON"] | list["_JSON"] | str | int | float | bool | None
_LONGEST_IMPORT_BYTES = 64 * 2**20
_ADDRESS_KEYS = ("ip", "address", "current_ip", "new_ip")
_TIME_KEYS = ("timestamp", "time", "date", "at", "last_check", "last_updated")


class RetentionRefusedError(IPMonitorError, ValueError):
    """
    A retention that would keep nothing, or less than nothing.
    """


class ImportRefusedError(IPMonitorError, ValueError):
    """
    An older program's file that cannot be taken up; nothing of it was.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """
    How much is kept. None keeps all. What is still to be delivered, and the newest change of each family, always stay.

    Attributes:
        changes: the newest so many changes, with their ballots and deliveries, 1 or more.
        changes_days: changes of the last so many days, above 0.
        ballots: the newest so many ballots that changed nothing, 1 or more.
        ballots_days: those of the last so many days, above 0.
    """

    changes: int | None = 100_000
    changes_days: float | None = None
    ballots: int | None = 20_000
    ballots_days: float | None = 90.0

    def __post_init__(self) -> None:
        for name in ("changes", "ballots"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise RetentionRefusedError(f"{name} is {count}; keep 1 or more, or all")
        for name in ("changes_days", "ballots_days"):
            days = getattr(self, name)
            if days is not None and not days > 0:
                raise RetentionRefusedError(f"{name} is {days}; keep more than 0 days, or all")


def trim(db: sqlite3.Connection, retention: Retention, *, now: datetime) -> tuple[int, int]:
    """
    Delete what is beyond the retention, by the order of writing and not by equal times; tells how many changes and
    ballots went.
    """
    kept = (
        " AND id NOT IN (SELECT max(id) FROM changes GROUP BY family)"
        " AND id NOT IN (SELECT change_id FROM deliveries WHERE state = 'pending')"
    )
    changes = ballots = 0
    if retention.changes is not None:
        newest = "(SELECT id FROM changes ORDER BY id DESC LIMIT 1 OFFSET ?)"
        # The offset names the first one too many; without one there is nothing to delete.
        changes += db.execute(f"DELETE FROM changes WHERE id <= {newest}{kept}", (retention.changes,)).rowcount  # noqa: S608 - constant text
    if retention.changes_days is not None:
        limit = codec.time_text(now - timedelta(days=retention.changes_days))
        changes += db.execute(f"DELETE FROM changes WHERE at < ?{kept}", (limit,)).rowcount  # noqa: S608 - constant text
    if retention.ballots is not None:
        newest = "(SELECT id FROM ballots WHERE change_id IS NULL ORDER BY id DESC LIMIT 1 OFFSET ?)"
        statement = f"DELETE FROM ballots WHERE change_id IS NULL AND id <= {newest}"  # noqa: S608 - constant text
        ballots += db.execute(statement, (retention.ballots,)).rowcount
    if retention.ballots_days is not None:
        limit = codec.time_text(now - timedelta(days=retention.ballots_days))
        ballots += db.execute("DELETE FROM ballots WHERE change_id IS NULL AND at < ?", (limit,)).rowcount
    return changes, ballots


def copy_to(db: sqlite3.Connection, target: Path) -> None:
    """
    An exact copy of a database in use, whole or not there at all; an existing file is never overwritten.

    Raises:
        StorageUnavailableError: `target` exists or cannot be written.
    """
    partial = target.with_name(target.name + ".partial")
    try:
        if target.exists():
            raise StorageUnavailableError(f"{target} exists already. Name a file that does not.")
        partial.unlink(missing_ok=True)
        copy = sqlite3.connect(partial)
        try:
            db.backup(copy)
            # A copy on its own carries no write-ahead log.
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        # A link fails where a rename would overwrite what came meanwhile.
        os.link(partial, target)
        sync_directory(target.parent)
    except StorageUnavailableError:
        raise
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise StorageUnavailableError(f"{target} cannot be written ({reason}). Choose another place.") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def read_legacy(last_ip: Path | None, history: Path | None, *, policy: AddressPolicy) -> list[Change]:
    """
    The changes that `last_ip.json` and `ip_history.json` of the older program tell, oldest first.

    Either may be missing. The history is a list of objects, or an object that has one; each needs an address (under
    "ip" or its like) and a time (ISO 8601, or seconds since the epoch). The last address is appended when the history
    does not end with it.

    Raises:
        ImportRefusedError: a file that cannot be read, or an entry without an address or a time; names the entry.
    """
    entries: list[tuple[datetime, Address]] = []
    if history is not None and history.exists():
        value = _load(history)
        rows = next((v for v in value.values() if isinstance(v, list)), None) if isinstance(value, dict) else value
        if not isinstance(rows, list):
            raise ImportRefusedError(f"{history} has no list of addresses. Leave it out, or mend it.")
        entries = [_entry(row, f"{history}, entry {n}", policy) for n, row in enumerate(rows, 1)]
        # Python's sort keeps the order of entries of one time.
        entries.sort(key=lambda entry: entry[0])
    if last_ip is not None and last_ip.exists():
        last = _entry(_load(last_ip), str(last_ip), policy)
        if not any(address == last[1] for _, address in entries[-1:]):
            entries.append(last)
    return list(_changes(entries))


def is_empty(db: sqlite3.Connection) -> bool:
    """
    Whether no change was ever written: only then an older program's history can come before ours.
    """
    return db.execute("SELECT 1 FROM changes LIMIT 1").fetchone() is None


def _changes(entries: Sequence[tuple[datetime, Address]]) -> Iterator[Change]:
    known: dict[Family, tuple[Address, datetime]] = {}
    for at, address in entries:
        family = Family(address.version)
        previous, since = known.get(family, (None, None))
        if previous != address:
            digest = hashlib.sha256(f"{codec.time_text(at)} {address}".encode()).hexdigest()[:16]
            yield Change(key=f"import-{digest}", address=address, previous=previous, at=at, previous_since=since)
            known[family] = (address, at)


def _load(path: Path) -> _JSON:
    try:
        if path.stat().st_size > _LONGEST_IMPORT_BYTES:
            raise ImportRefusedError(f"{path} is larger than {_LONGEST_IMPORT_BYTES} bytes. Leave it out.")
        return cast("_JSON", json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, ImportRefusedError):
            raise
        raise ImportRefusedError(f"{path} cannot be read as JSON ({error}). Leave it out, or mend it.") from error


def _entry(row: _JSON, where: str, policy: AddressPolicy) -> tuple[datetime, Address]:
    if not isinstance(row, dict):
        raise ImportRefusedError(f"{where}: not an object with an address and a time.")
    text = next((row[key] for key in _ADDRESS_KEYS if key in row), None)
    moment = next((row[key] for key in _TIME_KEYS if key in row), None)
    try:
        text = str(text)
        address = parse(text, Family.V6 if ":" in text else Family.V4)
        reason = policy.refusal(address)
    except AddressRefusedError as error:
        raise ImportRefusedError(f"{where}: {error}") from error
    if reason is not None:
        raise ImportRefusedError(f"{where}: {address} is no public address: {reason}")
    return _moment(moment, where), address


def _moment(value: _JSON, where: str) -> datetime:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise ImportRefusedError(f"{where}: {value!r} is no time.") from error
    # The older program wrote local times without a zone on machines that mostly run in UTC.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
