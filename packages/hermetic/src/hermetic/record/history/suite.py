"""
What the history says about the suite, from what is kept of each test and run: nothing here walks through all outcomes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermetic.record.history.clusters import co_failures
from hermetic.record.history.rates import suite_red_share
from hermetic.record.history.renames import Renamed, offered

if TYPE_CHECKING:
    import sqlite3

# The roadmap's measure: a test is trusted when it passes in more than 95 of 100 runs.
TRUSTED_PASS_RATE = 0.95
# Failures of so many runs are looked at for what they have in common.
_LAST_RUNS = 100
# Groups are looked for among so many tests, those that failed most often.
_MOST_GROUPED = 40
_MOST_CAUSES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """
    Failures of one fingerprint in the newest 100 runs: what they said, and how many there were of how many tests.
    """

    name: str
    said: str
    nature: str
    failures: int
    tests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteStability:
    """
    Of all tests together.

    Args:
        runs: how many there are; those of a broken build are left out of every figure.
        tests: how many were tried.
        flaky: those that passed and failed on one version of the code, sorted.
        spuriously_red: the share of runs that fail although nothing is broken, from the flaky tests' rates.
        minutes_lost: what repeating the runs cost in which only flaky tests failed, by their durations.
        trusted: the share of tests that pass in more than 95 of 100 tries.
        rates: failures and tries of each flaky test.
        groups: tests that fail together in the newest 100 runs, which mostly have one cause; the largest first.
        causes: the ten most frequent fingerprints of failures in the newest 100 runs.
        renamed: tests that may have another name since the newest runs.
    """

    runs: int
    tests: int
    flaky: tuple[str, ...]
    spuriously_red: float
    minutes_lost: float
    trusted: float
    rates: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    groups: tuple[tuple[str, ...], ...] = ()
    causes: tuple[Cause, ...] = ()
    renamed: tuple[Renamed, ...] = ()


def suite_of(db: sqlite3.Connection) -> SuiteStability:
    """
    The figures of a history that is open.
    """
    flaky = db.execute("SELECT name, failures, tries FROM tests WHERE is_flaky ORDER BY name").fetchall()
    tests, trusted = db.execute(
        "SELECT count(*), sum(1.0 * (tries - failures) / tries > ?) FROM tests WHERE tries", (TRUSTED_PASS_RATE,)
    ).fetchone()
    [lost_s] = db.execute(
        "SELECT total(r.duration_s) FROM (SELECT o.run, min(t.is_flaky) AS is_spurious FROM outcomes o INDEXED BY outcomes_bad "
        "JOIN tests t ON t.number = o.test WHERE o.outcome IN (1, 2, 6) GROUP BY o.run) red "
        "JOIN runs r ON r.number = red.run WHERE red.is_spurious AND NOT r.is_broken"
    ).fetchone()
    failures = _failures(db)
    return SuiteStability(
        runs=int(db.execute("SELECT count(*) FROM runs WHERE NOT is_broken").fetchone()[0]),
        tests=int(tests),
        flaky=tuple(name for name, _, _ in flaky),
        spuriously_red=suite_red_share(failed / count for _, failed, count in flaky),
        minutes_lost=lost_s / 60.0,
        trusted=trusted / tests if tests else 1.0,
        rates={name: (failed, count) for name, failed, count in flaky},
        groups=_groups(db, failures),
        causes=_causes(db, failures),
        renamed=offered(db),
    )


def _failures(db: sqlite3.Connection) -> list[tuple[int, int, int]]:
    """
    Run, test and cause of each failed try of the newest runs.
    """
    return db.execute(
        "SELECT o.run, o.test, o.cause FROM (SELECT number FROM runs WHERE NOT is_broken ORDER BY at DESC LIMIT ?) r "
        "CROSS JOIN outcomes o INDEXED BY outcomes_bad ON o.run = r.number WHERE o.outcome IN (1, 2, 6)",
        (_LAST_RUNS,),
    ).fetchall()


def _groups(db: sqlite3.Connection, failures: list[tuple[int, int, int]]) -> tuple[tuple[str, ...], ...]:
    failed_in: defaultdict[int, set[int]] = defaultdict(set)
    for run, test, _ in failures:
        failed_in[test].add(run)
    often = sorted((test for test, runs in failed_in.items() if len(runs) > 1), key=lambda test: -len(failed_in[test]))
    known = {
        test: db.execute("SELECT name FROM tests WHERE number = ?", (test,)).fetchone()[0]
        for test in often[:_MOST_GROUPED]
    }
    return tuple(tuple(group) for group in co_failures({str(name): failed_in[test] for test, name in known.items()}))


def _causes(db: sqlite3.Connection, failures: list[tuple[int, int, int]]) -> tuple[Cause, ...]:
    counts = Counter(cause for _, _, cause in failures if cause)
    found: list[Cause] = []
    for cause, count in counts.most_common(_MOST_CAUSES):
        name, said, nature = db.execute("SELECT name, said, nature FROM causes WHERE number = ?", (cause,)).fetchone()
        tests = len({test for _, test, one in failures if one == cause})
        found.append(Cause(name=name, said=said, nature=nature, failures=count, tests=tests))
    return tuple(sorted(found, key=lambda one: (-one.failures, one.name)))
