"""
The tables, by versions. `PRAGMA user_version` says which version a file has; each step runs in the one transaction
that also raises it, so a killed migration leaves the file at its earlier version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.storage.sqlite.errors import DatabaseForeignError, DatabaseTooNewError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

# "IPMo": tells our files from other programs' before anything is written to them.
APPLICATION_ID = 0x49504D6F

# Rows are ordered by `id`, never by time: wall clocks jump, and several rows may carry one time. Times are texts in
# UTC with microseconds, so that the sqlite3 program shows them readably and they sort.
_VERSION_1 = """
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    family INTEGER NOT NULL CHECK (family IN (4, 6)),
    address TEXT NOT NULL,
    previous TEXT,
    at TEXT NOT NULL,
    previous_since TEXT,
    operators TEXT NOT NULL
) STRICT;
CREATE INDEX changes_by_family ON changes (family, id);
CREATE TABLE current (
    family INTEGER PRIMARY KEY CHECK (family IN (4, 6)),
    address TEXT NOT NULL,
    since TEXT NOT NULL,
    seen_at TEXT NOT NULL
) STRICT;
CREATE TABLE ballots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    change_id INTEGER REFERENCES changes (id) ON DELETE CASCADE,
    family INTEGER NOT NULL CHECK (family IN (4, 6)),
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    address TEXT,
    previous TEXT,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX ballots_by_change ON ballots (change_id) WHERE change_id IS NOT NULL;
CREATE INDEX ballots_by_family ON ballots (family, id);
CREATE TABLE deliveries (
    key TEXT PRIMARY KEY,
    change_id INTEGER NOT NULL REFERENCES changes (id) ON DELETE CASCADE,
    sink TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    due_at TEXT NOT NULL,
    finished_at TEXT,
    reason TEXT
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (sink, change_id) WHERE state = 'pending';
CREATE INDEX deliveries_by_change ON deliveries (change_id);
"""
_VERSION_2 = """
CREATE TABLE providers (
    name TEXT PRIMARY KEY,
    is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    priority INTEGER NOT NULL,
    is_custom INTEGER NOT NULL CHECK (is_custom IN (0, 1)),
    spec TEXT NOT NULL
) STRICT;
"""
# `state` holds what outlives a restart although nobody would call it a setting, such as a queue that was stopped.
_VERSION_3 = """
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    via TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    refused TEXT NOT NULL
) STRICT;
CREATE TABLE state (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
"""
# `told_key` is what a reminder is told under; it is no change, so it has no row among them.
_VERSION_4 = """
ALTER TABLE changes ADD COLUMN pool TEXT;
ALTER TABLE deliveries ADD COLUMN priority INTEGER NOT NULL DEFAULT 10;
ALTER TABLE deliveries ADD COLUMN told_key TEXT;
DROP INDEX deliveries_pending;
CREATE INDEX deliveries_pending ON deliveries (sink, priority DESC, change_id) WHERE state = 'pending';
"""
MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4)
LATEST = len(MIGRATIONS)


def version_of(db: sqlite3.Connection) -> int:
    """
    The schema version of a file; 0 for an empty one.
    """
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def check_ownership(db: sqlite3.Connection, path: Path) -> None:
    """
    Raises:
        DatabaseForeignError: the file has tables, and they are not ours.
        DatabaseTooNewError: ours, of a later version.
    """
    application_id = int(db.execute("PRAGMA application_id").fetchone()[0])
    is_empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if application_id != APPLICATION_ID and not is_empty:
        raise DatabaseForeignError(path)
    found = version_of(db)
    if found > LATEST:
        raise DatabaseTooNewError(path, found, LATEST)


def migrate(db: sqlite3.Connection, *, target: int = LATEST) -> None:
    """
    Bring a file from its version up to `target`, in one transaction. A file that is there already is not written.
    """
    found = version_of(db)
    if found >= target:
        return
    db.execute("BEGIN EXCLUSIVE")
    try:
        for step in MIGRATIONS[found:target]:
            for statement in step.split(";\n"):
                if statement.strip():
                    db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {target}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
