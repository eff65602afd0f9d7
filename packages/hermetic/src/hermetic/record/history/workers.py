"""
How many worker processes a suite gains from, by what its runs took with more and with fewer of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermetic.record.history.quantiles import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermetic.record.history.runs import Run

# So many runs make a number known.
_ENOUGH = 2
# A number that is slower by less is preferred when it is smaller: memory and processors are others' too.
_WORTH = 1.05
_NEWEST = 5
_FAILED_TOO = frozenset({0, 1})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """
    A number of workers, 0 for none, and why in one sentence.
    """

    workers: int
    why: str


def choose(runs: Sequence[tuple[Run, int]], *, processors: int) -> Choice:
    """
    The number of workers with which the suite was quickest; while that is not known, the next one to try.

    It climbs: from as many as there are processors it goes on to the next larger number as long as that is quicker, up to
    twice the processors, since tests that wait leave room for more; else to the next smaller one. A number is judged by the
    median of its newest five runs once it has two. Of numbers that differ by less than 5 % the smallest is taken.

    Args:
        runs: the newest runs with their numbers of tests, newest first. Only those of about the largest one's size are
            compared (from four fifths on), since a part of a suite, or one that was broken off, says nothing of the whole.
        processors: how many this process may use.
    """
    whole = [(run, tests) for run, tests in runs if run.status in _FAILED_TOO and tests]
    if not whole:
        return Choice(workers=processors, why="no run is known yet: as many as there are processors")
    size = max(tests for _, tests in whole)
    took: defaultdict[int, list[float]] = defaultdict(list)
    for run, tests in whole:
        if tests >= 0.8 * size and run.duration_s > 0:
            took[run.workers].append(run.duration_s)
    known = {count: median(seconds[:_NEWEST]) for count, seconds in took.items() if len(seconds) >= _ENOUGH}
    ladder = _ladder(processors)
    at = ladder.index(processors)
    if processors not in known:
        return Choice(workers=processors, why=f"{processors} are to be measured first")
    while at + 1 < len(ladder):
        above = ladder[at + 1]
        if above not in known:
            return Choice(workers=above, why=f"{_told(known)}; {above} are to be measured")
        if known[above] >= known[ladder[at]]:
            break
        at += 1
    at = min(range(len(ladder)), key=lambda place: known.get(ladder[place], float("inf")))
    if at and ladder[at - 1] not in known:
        below = ladder[at - 1]
        return Choice(workers=below, why=f"{_told(known)}; {_named(below)} to be measured")
    best = min(known.values())
    chosen = min(count for count, seconds in known.items() if seconds <= _WORTH * best)
    return Choice(workers=chosen, why=f"measured: {_told(known)}")


def _ladder(processors: int) -> list[int]:
    # 0 is a run without workers, which spares their start.
    steps = {0, *range(1, 5), *(4 * 2**n + k * 2**n for n in range(8) for k in (0, 2)), processors, processors + 1}
    return sorted(step for step in steps if step <= max(2 * processors, processors + 1))


def _named(count: int) -> str:
    return "none is" if count == 0 else f"{count} are"


def _told(known: dict[int, float]) -> str:
    return ", ".join(f"{seconds:.1f} s with {count or 'no'} workers" for count, seconds in sorted(known.items()))
