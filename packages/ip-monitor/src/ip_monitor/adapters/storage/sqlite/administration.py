"""
The audit, and the small state that outlives a restart, as rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.storage.sqlite import codec
from ip_monitor.adapters.storage.sqlite.schema import version_of
from ip_monitor.domain.audit import AuditEntry

if TYPE_CHECKING:
    import sqlite3

# A database that is only read may not be migrated yet.
_SINCE_VERSION = 3
MOST_AUDIT_ENTRIES = 10_000
"""
More than these, and the oldest go: an audit that anybody can grow without end would fill the disk.
"""


def add_audit(db: sqlite3.Connection, entry: AuditEntry) -> None:
    added = db.execute(
        "INSERT INTO audit (at, who, via, action, subject, before, after, refused) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            codec.time_text(entry.at),
            entry.who,
            entry.via,
            entry.action,
            entry.subject,
            entry.before,
            entry.after,
            entry.refused,
        ),
    )
    db.execute("DELETE FROM audit WHERE id <= ?", ((added.lastrowid or 0) - MOST_AUDIT_ENTRIES,))


def list_audit(db: sqlite3.Connection, *, limit: int) -> list[AuditEntry]:
    """
    The newest entries, newest first.
    """
    if version_of(db) < _SINCE_VERSION:
        return []
    rows = db.execute(
        "SELECT at, who, via, action, subject, before, after, refused FROM audit ORDER BY id DESC LIMIT ?", (limit,)
    )
    return [
        AuditEntry(
            at=codec.time_of(row["at"]),
            who=row["who"],
            via=row["via"],
            action=row["action"],
            subject=row["subject"],
            before=row["before"],
            after=row["after"],
            refused=row["refused"],
        )
        for row in rows
    ]


def load_state(db: sqlite3.Connection) -> dict[str, str]:
    if version_of(db) < _SINCE_VERSION:
        return {}
    return {row["name"]: row["value"] for row in db.execute("SELECT name, value FROM state")}


def save_state(db: sqlite3.Connection, name: str, value: str | None) -> None:
    """
    Keep a value, or with None forget it.
    """
    if value is None:
        db.execute("DELETE FROM state WHERE name = ?", (name,))
    else:
        db.execute(
            "INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )
