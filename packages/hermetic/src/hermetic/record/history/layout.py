"""
The tables of the history's file, and how a file of an older version becomes one of this.

Outcomes lie by run, so that a run is written at one place of the file however many tests it has. What every question about
the whole suite needs of a test (how often it was tried, how often it failed, whether it is flaky) is kept beside its name
and counted on when a run is added: a million outcomes are never walked through to be asked about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.record.history.errors import HistoryError
from hermetic.record.history.totals import recount

if TYPE_CHECKING:
    import sqlite3

VERSION = 2
_CAUSES = """
CREATE TABLE causes (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, said TEXT NOT NULL DEFAULT '', nature TEXT NOT NULL DEFAULT ''
);
"""
_OUTCOMES = """
CREATE TABLE outcomes (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, test INTEGER NOT NULL,
    attempt INTEGER NOT NULL, outcome INTEGER NOT NULL, duration_us INTEGER NOT NULL, worker TEXT NOT NULL,
    position INTEGER NOT NULL, cause INTEGER NOT NULL, findings TEXT NOT NULL, PRIMARY KEY (run, test, attempt)
) WITHOUT ROWID;
CREATE INDEX outcomes_bad ON outcomes (run, test, cause, outcome) WHERE outcome IN (1, 2, 6);
CREATE INDEX runs_code ON runs (code);
"""
_NEW = f"""
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, duration_s REAL NOT NULL, code TEXT NOT NULL,
    environment TEXT NOT NULL, seed TEXT NOT NULL, workers INTEGER NOT NULL, status INTEGER NOT NULL,
    tests INTEGER NOT NULL DEFAULT 0, is_broken INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_at ON runs (at);
CREATE TABLE tests (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, tries INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0, is_flaky INTEGER NOT NULL DEFAULT 0, first INTEGER NOT NULL DEFAULT 0,
    last INTEGER NOT NULL DEFAULT 0
);
{_CAUSES}{_OUTCOMES}"""
_GROWN = """
ALTER TABLE runs ADD COLUMN tests INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN is_broken INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tests ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tests ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tests ADD COLUMN is_flaky INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tests ADD COLUMN first INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tests ADD COLUMN last INTEGER NOT NULL DEFAULT 0;
ALTER TABLE causes ADD COLUMN said TEXT NOT NULL DEFAULT '';
ALTER TABLE causes ADD COLUMN nature TEXT NOT NULL DEFAULT '';
DROP INDEX outcomes_run;
ALTER TABLE outcomes RENAME TO older;
"""
_MOVED = """
INSERT INTO outcomes SELECT run, test, attempt, outcome, duration_us, worker, position, cause, findings FROM older
    ORDER BY run, test, attempt;
DROP TABLE older;
"""
_FROM_1 = f"{_GROWN}{_OUTCOMES}{_MOVED}"


def prepare(db: sqlite3.Connection, *, source: str) -> None:
    """
    Make the tables of a new file, or those of an older version into these. Another process may do the same meanwhile.

    Raises:
        HistoryError: the file is of a newer version.
        sqlite3.DatabaseError: it is no database.
    """
    if _version(db) == VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(db)
        if version > VERSION:
            raise HistoryError(
                f"its version is {version}; this Hermetic knows {VERSION}",
                where=source,
                remedy="Update pytest-hermetic, or give another directory.",
            )
        if version < VERSION:
            for statement in (_NEW if version == 0 else _FROM_1).split(";"):
                db.execute(statement)
            if version:
                recount(db)
            db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
