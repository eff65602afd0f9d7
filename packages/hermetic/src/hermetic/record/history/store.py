"""
The history's file: one SQLite database for all runs of a project.

Runs are written beside it as JSON Lines, one file each, which costs a run next to nothing and lets any number of them end
at the same moment; whoever asks the history takes them in first. A file that is no database is put aside, not deleted.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hermetic.record.history.errors import HistoryError
from hermetic.record.history.runs import OUTCOMES, Run, Try, from_lines
from hermetic.record.history.spool import SPOOL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

FILE = "history.sqlite3"
_VERSION = 1
_BUSY_S = 30.0
_SCHEMA = f"""
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, duration_s REAL NOT NULL, code TEXT NOT NULL,
    environment TEXT NOT NULL, seed TEXT NOT NULL, workers INTEGER NOT NULL, status INTEGER NOT NULL
);
CREATE INDEX runs_at ON runs (at);
CREATE TABLE tests (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE causes (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE outcomes (
    test INTEGER NOT NULL REFERENCES tests, run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    attempt INTEGER NOT NULL, outcome INTEGER NOT NULL, duration_us INTEGER NOT NULL, worker TEXT NOT NULL,
    position INTEGER NOT NULL, cause INTEGER NOT NULL, findings TEXT NOT NULL, PRIMARY KEY (test, run, attempt)
) WITHOUT ROWID;
CREATE INDEX outcomes_run ON outcomes (run);
PRAGMA user_version = {_VERSION};
"""


class HistoryStore:
    """
    A history that is open. A context manager; `close` is idempotent.

    Args:
        directory: where the history is, mostly `.hermetic` in the project's root; it is made if it is not there.
        busy_s: how long to wait for another process that writes.
        tell: told about files that were put aside or left out, one sentence each.

    Raises:
        HistoryError: the directory or the database cannot be opened, or is of a newer version.
    """

    def __init__(
        self, directory: Path, *, busy_s: float = _BUSY_S, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self._busy_s = busy_s
        self.directory = directory
        self.path = directory / FILE
        self._tell = tell
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._db = self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise HistoryError(
                f"cannot be opened: {error}", where=str(self.path), remedy="Check that its directory can be written to."
            ) from error

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            aside = self.path.with_name(f"{FILE}.broken-{time.time_ns()}")
            self.path.rename(aside)
            for more in ("-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    Path(f"{self.path}{more}").rename(f"{aside}{more}")
            self._tell(
                f"{self.path} is no database any more ({error}); it was put aside as {aside.name}, and a new one begun"
            )
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=self._busy_s, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("BEGIN IMMEDIATE")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                raise HistoryError(
                    f"its version is {version}; this Hermetic knows {_VERSION}",
                    where=str(self.path),
                    remedy="Update pytest-hermetic, or give another directory.",
                )
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        return db

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------ writing

    def take_in(self) -> int:
        """
        Take in the runs that were left beside the database, and take their files away.

        Returns:
            How many there were. A file that cannot be read stays, under the name `….unreadable`, and is told.
        """
        count = 0
        for file in sorted((self.directory / SPOOL).glob("*.jsonl")):
            try:
                run, tries = from_lines(file.read_text(encoding="utf-8").splitlines(), source=str(file))
            except FileNotFoundError:
                continue  # another process took it in
            except (HistoryError, UnicodeDecodeError) as error:
                aside = file.with_suffix(".unreadable")
                with contextlib.suppress(FileNotFoundError):
                    file.rename(aside)
                    self._tell(f"{error}\n  (now named {aside.name})")
                continue
            count += self.add(run, tries)
            file.unlink(missing_ok=True)
        return count

    def add(self, run: Run, tries: Iterable[Try]) -> bool:
        """
        Add a run; False when it is there already. Either all of it is added or nothing.
        """
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            cursor = db.execute(
                "INSERT OR IGNORE INTO runs (id, at, duration_s, code, environment, seed, workers, status) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (run.id, run.at, run.duration_s, run.code, run.environment, run.seed, run.workers, run.status),
            )
            is_new = cursor.rowcount == 1
            if is_new:
                self._add_tries(int(cursor.lastrowid or 0), list(tries))
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        return is_new

    def _add_tries(self, run: int, tries: list[Try]) -> None:
        tests = self._numbers("tests", {one.test for one in tries})
        causes = self._numbers("causes", {one.cause for one in tries if one.cause})
        self._db.executemany(
            "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(tests[one.test], run, one.attempt, OUTCOMES.index(one.outcome), round(one.duration_s * 1e6)),
                    *(one.worker, one.position, causes.get(one.cause, 0), ",".join(one.findings)),
                )
                for one in tries
            ),
        )

    def _numbers(self, table: str, names: set[str]) -> dict[str, int]:
        db = self._db
        db.executemany(f"INSERT OR IGNORE INTO {table} (name) VALUES (?)", ((name,) for name in names))  # noqa: S608 - ours
        found: dict[str, int] = {}
        listed = sorted(names)
        for start in range(0, len(listed), 500):
            some = listed[start : start + 500]
            marks = ",".join("?" * len(some))
            found.update(db.execute(f"SELECT name, number FROM {table} WHERE name IN ({marks})", some))  # noqa: S608 - ours
        return found

    def merge(self, other: Path) -> int:
        """
        Add the runs of another machine's history file.

        Returns:
            How many were new.

        Raises:
            HistoryError: it is no history.
        """
        if not other.is_file():
            raise HistoryError("there is no such file", where=str(other), remedy="Give the path of a history.sqlite3.")
        source = sqlite3.connect(f"{other.resolve().as_uri()}?mode=ro", uri=True)
        try:
            added = 0
            for run, tries in _runs_of(source):
                added += self.add(run, tries)
        except sqlite3.DatabaseError as error:
            raise HistoryError(
                f"is no history: {error}", where=str(other), remedy="Give the path of a history.sqlite3."
            ) from error
        finally:
            source.close()
        return added

    def rename(self, old: str, new: str) -> bool:
        """
        Let the outcomes of a test that was renamed count for its new name; False when there are none under the old.
        """
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            row = db.execute("SELECT number FROM tests WHERE name = ?", (old,)).fetchone()
            if row is not None:
                number = self._numbers("tests", {new})[new]
                db.execute("UPDATE OR IGNORE outcomes SET test = ? WHERE test = ?", (number, row[0]))
                db.execute("DELETE FROM outcomes WHERE test = ?", row)
                db.execute("DELETE FROM tests WHERE number = ?", row)
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        return row is not None

    def forget(self, *, before: float) -> int:
        """
        Delete the runs that began before a moment, in seconds since the epoch; returns how many.
        """
        db = self._db
        count = db.execute("DELETE FROM runs WHERE at < ?", (before,)).rowcount
        for table, column in (("tests", "test"), ("causes", "cause")):
            db.execute(f"DELETE FROM {table} WHERE number NOT IN (SELECT {column} FROM outcomes)")  # noqa: S608 - ours
        return count

    # ------------------------------------------------------------ reading

    def runs(self, *, last: int = 20) -> list[Run]:
        """
        The newest runs, newest first.
        """
        rows = self._db.execute(
            "SELECT id, at, duration_s, code, environment, seed, workers, status FROM runs ORDER BY at DESC LIMIT ?",
            (last,),
        )
        return [_run(row) for row in rows]

    def number_of_runs(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM runs").fetchone()[0])

    def sizes(self, *, last: int = 20) -> list[tuple[Run, int]]:
        """
        The newest runs with how many tests each had, newest first.
        """
        rows = self._db.execute(
            "SELECT r.id, r.at, r.duration_s, r.code, r.environment, r.seed, r.workers, r.status, "
            "(SELECT count(DISTINCT o.test) FROM outcomes o WHERE o.run = r.number) FROM runs r ORDER BY r.at DESC LIMIT ?",
            (last,),
        )
        return [(_run(row[:8]), int(row[8])) for row in rows]

    def failed_in(self, run: str) -> list[str]:
        """
        The tests of which the last try failed in the run of that id, sorted.
        """
        rows = self._db.execute(
            "SELECT t.name FROM outcomes o JOIN tests t ON t.number = o.test JOIN runs r ON r.number = o.run "
            "WHERE r.id = ? AND o.outcome IN (1, 2, 6) AND o.attempt = "
            "(SELECT max(attempt) FROM outcomes l WHERE l.test = o.test AND l.run = o.run) ORDER BY t.name",
            (run,),
        )
        return [str(row[0]) for row in rows]

    def names(self, containing: str = "") -> list[str]:
        """
        All tests whose name contains this text, sorted.
        """
        rows = self._db.execute("SELECT name FROM tests WHERE instr(name, ?) ORDER BY name", (containing,))
        return [row[0] for row in rows]

    def of(self, test: str, *, last: int = 1000) -> list[tuple[Run, Try]]:
        """
        The newest tries of one test with their runs, oldest first.
        """
        rows = self._db.execute(
            "SELECT r.id, r.at, r.duration_s, r.code, r.environment, r.seed, r.workers, r.status, t.name, o.outcome, "
            "o.duration_us, o.attempt, o.worker, o.position, coalesce(c.name, ''), o.findings "
            "FROM tests t JOIN outcomes o ON o.test = t.number JOIN runs r ON r.number = o.run "
            "LEFT JOIN causes c ON c.number = o.cause WHERE t.name = ? ORDER BY r.at DESC, o.attempt DESC LIMIT ?",
            (test, last),
        )
        return [(_run(row[:8]), _try(row[8:])) for row in rows][::-1]

    def all(self) -> Iterator[tuple[Run, list[Try]]]:
        """
        Every run with its tries, oldest first.
        """
        return _runs_of(self._db)

    def durations(self, *, last: int = 10) -> dict[str, float]:
        """
        How long each test took on average when it passed in the newest runs, in seconds.
        """
        rows = self._db.execute(
            "SELECT t.name, avg(o.duration_us) / 1e6 FROM (SELECT number FROM runs ORDER BY at DESC LIMIT ?) r "
            "JOIN outcomes o ON o.run = r.number JOIN tests t ON t.number = o.test WHERE o.outcome = 0 GROUP BY t.number",
            (last,),
        )
        return {name: round(seconds, 6) for name, seconds in rows}

    def counts(self, *, since: float = 0.0) -> list[tuple[str, int, int]]:
        """
        For each test its name, how many tries counted and how many of them failed, since a moment.
        """
        rows = self._db.execute(
            "SELECT t.name, sum(o.outcome IN (0, 1, 2, 6)), sum(o.outcome IN (1, 2, 6)) FROM outcomes o "
            "JOIN tests t ON t.number = o.test JOIN runs r ON r.number = o.run WHERE r.at >= ? "
            "GROUP BY t.number ORDER BY t.name",
            (since,),
        )
        return [(name, count, failed) for name, count, failed in rows if count]


_TRY = "t.name, o.outcome, o.duration_us, o.attempt, o.worker, o.position, coalesce(c.name, ''), o.findings"


def _runs_of(db: sqlite3.Connection) -> Iterator[tuple[Run, list[Try]]]:
    heads = db.execute(
        "SELECT number, id, at, duration_s, code, environment, seed, workers, status FROM runs ORDER BY at"
    ).fetchall()
    for number, *head in heads:
        rows = db.execute(
            f"SELECT {_TRY} FROM outcomes o JOIN tests t ON t.number = o.test LEFT JOIN causes c ON c.number = o.cause "  # noqa: S608 - a constant
            "WHERE o.run = ? ORDER BY o.worker, o.position, o.attempt",
            (number,),
        )
        yield _run(tuple(head)), [_try(row) for row in rows]


def _run(row: tuple[object, ...]) -> Run:
    id_, at, duration_s, code, environment, seed, workers, status = row
    return Run(
        id=str(id_),
        at=float(str(at)),
        duration_s=float(str(duration_s)),
        code=str(code),
        environment=str(environment),
        seed=str(seed),
        workers=int(str(workers)),
        status=int(str(status)),
    )


def _try(row: tuple[object, ...]) -> Try:
    test, outcome, duration_us, attempt, worker, position, cause, findings = row
    return Try(
        test=str(test),
        outcome=OUTCOMES[int(str(outcome))],
        duration_s=int(str(duration_us)) / 1e6,
        attempt=int(str(attempt)),
        worker=str(worker),
        position=int(str(position)),
        cause=str(cause),
        findings=tuple(name for name in str(findings).split(",") if name),
    )
