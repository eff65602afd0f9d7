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
from hermetic.record.history.feedback import OF_LATE, Known
from hermetic.record.history.layout import prepare
from hermetic.record.history.room import MOST_OUTCOMES, first_kept
from hermetic.record.history.rows import RUN, TRY, is_damage, run_of, runs_of, try_of
from hermetic.record.history.runs import OUTCOMES, from_lines
from hermetic.record.history.spool import FILE, SPOOL
from hermetic.record.history.suite import suite_of
from hermetic.record.history.totals import count_in, recount

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
    from types import TracebackType

    from hermetic.record.history.runs import Run, Try
    from hermetic.record.history.suite import SuiteStability

_BUSY_S = 30.0
_AGAIN_S = 0.005
_REMEDY = "Give the path of a history.sqlite3."


class HistoryStore:
    """
    A history that is open. A context manager; `close` is idempotent.

    Args:
        directory: where the history is, mostly `.hermetic` in the project's root; it is made if it is not there.
        busy_s: how long to wait for another process that writes.
        tell: told about files that were put aside or left out, and about runs that went to make room, one sentence each.
        most_outcomes: with more than this, counted a test of a run, the runs that were taken in first go.

    Raises:
        HistoryError: the directory or the database cannot be opened, or is of a newer version.
    """

    def __init__(
        self,
        directory: Path,
        *,
        busy_s: float = _BUSY_S,
        tell: Callable[[str], None] = lambda _: None,
        most_outcomes: int = MOST_OUTCOMES,
    ) -> None:
        self._busy_s = busy_s
        self._most_outcomes = most_outcomes
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
            if not is_damage(error):
                raise
            self._put_aside(error)
            return self._connect()

    def _put_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self.path.with_name(f"{FILE}.broken-{time.time_ns()}")
        with contextlib.suppress(FileNotFoundError):  # another process has put it aside
            self.path.rename(aside)
        for more in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self.path}{more}").rename(f"{aside}{more}")
        self._tell(
            f"{self.path} is no sound database any more ({error}); it was put aside as {aside.name}, and a new one begun.\n"
            f"  What can still be read of it comes back with: hermetic history merge {aside}"
        )

    def begin_anew(self, error: sqlite3.DatabaseError) -> None:
        """
        Put a file aside whose damage was met while it was read or written, tell so, and go on with a new one.
        """
        self._db.close()
        self._put_aside(error)
        self._db = self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=self._busy_s, isolation_level=None)
        try:
            self._write_ahead(db)
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA foreign_keys = ON")
            prepare(db, source=str(self.path))
        except BaseException:
            db.close()
            raise
        return db

    def _write_ahead(self, db: sqlite3.Connection) -> None:
        # SQLite does not wait here for another process that is about to do the same to a new file. Source: SQLite 3.40,
        # src/btree.c, sqlite3BtreeBeginTrans, which asks the busy handler only where no transaction is open yet.
        last = time.monotonic() + self._busy_s
        while True:
            try:
                db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                    raise
                time.sleep(_AGAIN_S)
            else:
                return

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
                count += self.add(run, tries)
            except FileNotFoundError:
                continue  # another process took it in
            # HistoryError, bytes that are no UTF-8, characters and numbers that the database cannot hold.
            except (ValueError, OverflowError) as error:
                aside = file.with_suffix(".unreadable")
                with contextlib.suppress(FileNotFoundError):
                    file.rename(aside)
                    self._tell(f"{error}\n  (now named {aside.name})")
                continue
            file.unlink(missing_ok=True)
        if count:
            self._make_room()
        return count

    def _make_room(self) -> None:
        # By when they were taken in: a date may be lacking in what comes from elsewhere.
        runs = self._db.execute("SELECT number, tests FROM runs ORDER BY number DESC").fetchall()
        first = first_kept(runs, most=self._most_outcomes)
        if first is None:
            return
        gone = self._forget("number < ?", first)
        self._tell(f"{self.path} holds at most {self._most_outcomes:,} outcomes: its {gone} oldest runs were deleted.")

    def add(self, run: Run, tries: Iterable[Try]) -> bool:
        """
        Add a run; False when it is there already. Either all of it is added or nothing. Of two tries of one test with one
        number the later counts.
        """
        db = self._db
        each = list({(one.test, one.attempt): one for one in tries}.values())
        with self._transaction():
            cursor = db.execute(
                "INSERT OR IGNORE INTO runs (id, at, duration_s, code, environment, seed, workers, status) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (run.id, run.at, run.duration_s, run.code, run.environment, run.seed, run.workers, run.status),
            )
            if cursor.rowcount != 1:
                return False
            number = int(cursor.lastrowid or 0)
            tests = self._numbers("tests", dict.fromkeys(one.test for one in each))
            self._add_tries(number, each, tests)
            count_in(db, number, run, each, tests)
        return True

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            # What ended the transaction may have ended the file as well.
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _add_tries(self, run: int, tries: list[Try], tests: Mapping[str, int]) -> None:
        failed = {one.cause: one for one in tries if one.cause}
        causes = self._numbers("causes", failed)
        # A history that was taken from elsewhere may not have said it.
        self._db.executemany(
            "UPDATE causes SET said = ?, nature = ? WHERE number = ? AND said = ''",
            [(one.said, one.nature, causes[name]) for name, one in failed.items() if one.said],
        )
        numbered = sorted((tests[one.test], one.attempt, n) for n, one in enumerate(tries))
        self._db.executemany(
            "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(run, test, attempt, OUTCOMES.index(one.outcome), round(one.duration_s * 1e6)),
                    *(one.worker, one.position, causes.get(one.cause, 0), ",".join(one.findings)),
                )
                for test, attempt, n in numbered
                for one in (tries[n],)
            ),
        )

    def _numbers(self, table: str, names: Iterable[str]) -> dict[str, int]:
        # In the order given, so that the same runs make the same file.
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
        Add the runs of another machine's history file, of this version or an older one. A damaged file gives the runs that
        can be read.

        Returns:
            How many were new.

        Raises:
            HistoryError: it is no history, or the damage begins before its first run.
        """
        if not other.is_file():
            raise HistoryError("there is no such file", where=str(other), remedy=_REMEDY)
        source = sqlite3.connect(f"{other.resolve().as_uri()}?mode=ro", uri=True)
        added = 0
        try:
            for run, tries in runs_of(source):
                added += self.add(run, tries)
        except sqlite3.DatabaseError as error:
            if not added:
                raise HistoryError(f"is no history: {error}", where=str(other), remedy=_REMEDY) from error
            self._tell(f"{other} can be read up to run {added} only: {error}")
        finally:
            source.close()
        return added

    def rename(self, old: str, new: str) -> bool:
        """
        Let the outcomes of a test that was renamed count for its new name; False when there are none under the old.
        """
        db = self._db
        with self._transaction():
            row = db.execute("SELECT number FROM tests WHERE name = ?", (old,)).fetchone()
            if row is None or old == new:
                return False
            number = self._numbers("tests", {new})[new]
            db.execute("UPDATE OR IGNORE outcomes SET test = ? WHERE test = ?", (number, row[0]))
            db.execute("DELETE FROM outcomes WHERE test = ?", row)
            db.execute("DELETE FROM tests WHERE number = ?", row)
            recount(db)
        return True

    def forget(self, *, before: float) -> int:
        """
        Delete the runs that began before a moment, in seconds since the epoch; returns how many.
        """
        return self._forget("at < ?", before)

    def _forget(self, which: str, bound: float) -> int:
        db = self._db
        with self._transaction():
            count = db.execute(f"DELETE FROM runs WHERE {which}", (bound,)).rowcount  # noqa: S608 - ours
            for table, column in (("tests", "test"), ("causes", "cause")):
                db.execute(f"DELETE FROM {table} WHERE number NOT IN (SELECT {column} FROM outcomes)")  # noqa: S608 - ours
            recount(db)
        return count

    # ------------------------------------------------------------ reading

    def runs(self, *, last: int = 20) -> list[Run]:
        """
        The newest runs, newest first.
        """
        return [run for run, _ in self.sizes(last=last)]

    def number_of_runs(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM runs").fetchone()[0])

    def sizes(self, *, last: int = 20) -> list[tuple[Run, int]]:
        """
        The newest runs with how many tests each had, newest first.
        """
        rows = self._db.execute(f"SELECT {RUN}, r.tests FROM runs r ORDER BY r.at DESC LIMIT ?", (last,))  # noqa: S608 - a constant
        return [(run_of(row[:8]), int(row[8])) for row in rows]

    def failed_in(self, run: str) -> list[str]:
        """
        The tests of which the last try failed in the run of that id, sorted.
        """
        rows = self._db.execute(
            "SELECT t.name FROM runs r CROSS JOIN outcomes o INDEXED BY outcomes_bad ON o.run = r.number "
            "JOIN tests t ON t.number = o.test WHERE o.outcome IN (1, 2, 6) AND r.id = ? AND o.attempt = "
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
            f"SELECT {RUN}, {TRY} FROM tests t CROSS JOIN runs r CROSS JOIN outcomes o ON o.run = r.number "  # noqa: S608 - constants
            "AND o.test = t.number LEFT JOIN causes c ON c.number = o.cause WHERE t.name = ? "
            "ORDER BY r.at DESC, o.attempt DESC LIMIT ?",
            (test, last),
        )
        return [(run_of(row[:8]), try_of(row[8:])) for row in rows][::-1]

    def others(self, cause: str, *, but: str) -> list[str]:
        """
        The other tests that failed with this fingerprint, sorted.
        """
        rows = self._db.execute(
            "SELECT DISTINCT t.name FROM causes c CROSS JOIN outcomes o INDEXED BY outcomes_bad ON o.cause = c.number "
            "JOIN tests t ON t.number = o.test WHERE o.outcome IN (1, 2, 6) AND c.name = ? AND t.name <> ? ORDER BY t.name",
            (cause, but),
        )
        return [str(row[0]) for row in rows]

    def all(self) -> Iterator[tuple[Run, list[Try]]]:
        """
        Every run with its tries, oldest first.
        """
        return runs_of(self._db)

    def newest(self, last: int) -> Iterator[tuple[Run, list[Try]]]:
        """
        The newest runs with their tries, oldest of them first.
        """
        return runs_of(self._db, last=last)

    def durations(self, *, last: int = 10) -> dict[str, float]:
        """
        How long each test took on average when it passed in the newest runs, in seconds.
        """
        rows = self._db.execute(
            "SELECT t.name, avg(o.duration_us) / 1e6 FROM (SELECT number FROM runs ORDER BY at DESC LIMIT ?) r "
            "CROSS JOIN outcomes o ON o.run = r.number JOIN tests t ON t.number = o.test WHERE o.outcome = 0 "
            "GROUP BY t.number",
            (last,),
        )
        return {name: round(seconds, 6) for name, seconds in rows}

    def feedback(self) -> dict[str, Known]:
        """
        What is known of each test that decides how early it is run, see `hermetic.record.history.feedback`.
        """
        newest = "SELECT number, row_number() OVER (ORDER BY at DESC) - 1 AS ago FROM runs ORDER BY at DESC LIMIT ?"
        ago = dict(
            self._db.execute(
                f"SELECT t.name, min(r.ago) FROM ({newest}) r CROSS JOIN outcomes o INDEXED BY outcomes_bad "  # noqa: S608 - a constant
                "ON o.run = r.number JOIN tests t ON t.number = o.test WHERE o.outcome IN (1, 2, 6) GROUP BY o.test",
                (OF_LATE,),
            ).fetchall()
        )
        takes = self.durations()
        return {
            name: Known(tries, failures, takes.get(name, -1.0), ago.get(name, -1))
            for name, tries, failures in self._db.execute("SELECT name, tries, failures FROM tests ORDER BY name")
        }

    def counts(self) -> list[tuple[str, int, int]]:
        """
        For each test that was tried its name, how many tries counted and how many of them failed; runs of a broken build are
        left out.
        """
        return self._db.execute("SELECT name, tries, failures FROM tests WHERE tries ORDER BY name").fetchall()

    def suite(self) -> SuiteStability:
        """
        The whole suite's figures; runs of a broken build are left out.
        """
        return suite_of(self._db)
