"""
Rows of the history's file as runs and tries.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from hermetic.record.history.runs import OUTCOMES, Run, Try

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUN = "r.id, r.at, r.duration_s, r.code, r.environment, r.seed, r.workers, r.status"
_PLAIN = "t.name, o.outcome, o.duration_us, o.attempt, o.worker, o.position, coalesce(c.name, ''), o.findings"
TRY = f"{_PLAIN}, coalesce(c.said, ''), coalesce(c.nature, '')"


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """
    Whether the file is what is wrong, and not the question, a lock or a full disk.
    """
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def runs_of(db: sqlite3.Connection, *, last: int = -1) -> Iterator[tuple[Run, list[Try]]]:
    """
    The newest runs of a file of any version with their tries, oldest first; all of them when `last` is below 0.
    """
    heads = db.execute(f"SELECT r.number, {RUN} FROM runs r ORDER BY r.at DESC LIMIT ?", (last,)).fetchall()  # noqa: S608 - a constant
    knows_causes = any(row[1] == "said" for row in db.execute("PRAGMA table_info(causes)"))
    for number, *head in reversed(heads):
        rows = db.execute(
            f"SELECT {TRY if knows_causes else _PLAIN} FROM outcomes o JOIN tests t ON t.number = o.test "  # noqa: S608 - constants
            "LEFT JOIN causes c ON c.number = o.cause WHERE o.run = ? ORDER BY o.worker, o.position, o.attempt",
            (number,),
        )
        yield run_of(head), [try_of(row) for row in rows]


def run_of(row: Sequence[object]) -> Run:
    """
    A row of the columns `RUN`.
    """
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


def try_of(row: Sequence[object]) -> Try:
    """
    A row of the columns `TRY`, or of their first eight.
    """
    test, outcome, duration_us, attempt, worker, position, cause, findings, *said = row
    return Try(
        test=str(test),
        outcome=OUTCOMES[int(str(outcome))],
        duration_s=int(str(duration_us)) / 1e6,
        attempt=int(str(attempt)),
        worker=str(worker),
        position=int(str(position)),
        cause=str(cause),
        findings=tuple(name for name in str(findings).split(",") if name),
        said=str(said[0]) if said else "",
        nature=str(said[1]) if said else "",
    )
