"""
What is kept of each test and each run so that the suite can be asked about at once: counted on with every run that is added,
and counted anew when runs are taken away or names change.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from hermetic.record.history.runs import COUNTING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from hermetic.record.history.runs import Run, Try

_FEWEST = 5


def is_broken_build(tries: Sequence[Try]) -> bool:
    """
    Whether more than five tries, and more than half of those that count, fail with one cause.
    """
    counting = [one for one in tries if one.outcome in COUNTING]
    causes = Counter(one.cause for one in counting if not one.did_pass and one.cause)
    return bool(causes) and causes.most_common(1)[0][1] > max(_FEWEST, len(counting) / 2)


def count_in(db: sqlite3.Connection, number: int, run: Run, tries: Sequence[Try], tests: Mapping[str, int]) -> None:
    """
    Count a run on whose outcomes were just added.

    Args:
        db: in a transaction.
        number: of the run.
        run: the same as data.
        tries: its outcomes, each once.
        tests: the numbers of its tests by name.
    """
    is_broken = is_broken_build(tries)
    db.execute("UPDATE runs SET tests = ?, is_broken = ? WHERE number = ?", (len(tests), is_broken, number))
    db.executemany(
        "UPDATE tests SET last = max(last, ?), first = CASE first WHEN 0 THEN ? ELSE min(first, ?) END WHERE number = ?",
        [(number, number, number, test) for test in tests.values()],
    )
    if is_broken:
        return
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in tries:
        if one.outcome in COUNTING:
            of_test = sums[one.test]
            of_test[0] += 1
            of_test[1] += not one.did_pass
    db.executemany(
        "UPDATE tests SET tries = tries + ?, failures = failures + ? WHERE number = ?",
        [(count, failed, tests[name]) for name, (count, failed) in sums.items()],
    )
    if run.code:
        # Only tests that failed on this version can have become flaky; the index of failures lists them.
        db.execute(
            "UPDATE tests SET is_flaky = 1 WHERE NOT is_flaky AND number IN (SELECT o.test FROM runs r CROSS JOIN outcomes o "
            "INDEXED BY outcomes_bad ON o.run = r.number WHERE o.outcome IN (1, 2, 6) AND r.code = ? AND NOT r.is_broken) "
            "AND EXISTS (SELECT 1 FROM runs r CROSS JOIN outcomes p ON p.run = r.number AND p.test = tests.number WHERE r.code = ? AND NOT r.is_broken "
            "AND p.outcome = 0)",
            (run.code, run.code),
        )


def recount(db: sqlite3.Connection) -> None:
    """
    Count everything anew, in a transaction: a second for a million outcomes.
    """
    db.execute(
        "UPDATE runs SET tests = (SELECT count(DISTINCT o.test) FROM outcomes o WHERE o.run = number), is_broken = "
        "coalesce((SELECT max(n) FROM (SELECT count(*) AS n FROM outcomes o WHERE o.run = runs.number "
        "AND o.outcome IN (1, 2, 6) AND o.cause <> 0 GROUP BY o.cause)), 0) > max(?, "
        "(SELECT count(*) FROM outcomes o WHERE o.run = runs.number AND o.outcome IN (0, 1, 2, 6)) / 2.0)",
        (_FEWEST,),
    )
    db.execute("UPDATE tests SET tries = 0, failures = 0, is_flaky = 0, first = 0, last = 0")
    seen = db.execute("SELECT min(run), max(run), test FROM outcomes GROUP BY test").fetchall()
    db.executemany("UPDATE tests SET first = ?, last = ? WHERE number = ?", seen)
    sums = db.execute(
        "SELECT count(*), sum(o.outcome <> 0), o.test FROM runs r CROSS JOIN outcomes o ON o.run = r.number "
        "WHERE NOT r.is_broken AND o.outcome IN (0, 1, 2, 6) GROUP BY o.test"
    ).fetchall()
    db.executemany("UPDATE tests SET tries = ?, failures = ? WHERE number = ?", sums)
    db.execute(
        "UPDATE tests SET is_flaky = 1 WHERE number IN (SELECT o.test FROM runs r CROSS JOIN outcomes o "
        "ON o.run = r.number WHERE NOT r.is_broken AND r.code <> '' AND o.outcome IN (0, 1, 2, 6) "
        "GROUP BY o.test, r.code HAVING min(o.outcome <> 0) <> max(o.outcome <> 0))"
    )
