"""
What the history knows, as events of a journal: a report then needs the journal only, and is the same wherever it is made.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hermetic.record.events import PastKnown, PastTry, SuitePast
from hermetic.record.history.runs import COUNTING
from hermetic.record.history.stability import of_test
from hermetic.record.history.store import HistoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from hermetic.foundation import Event
    from hermetic.record.history.runs import Run, Try

_MOST_TESTS: Final = 500
_MOST_TRIES: Final = 60
_LAST_RUNS: Final = 20
# Somebody waits for the run to end.
_BUSY_S: Final = 2.0


def past(directory: Path, bad: Sequence[str], *, tests: int, wall: Callable[[], float] = time.time) -> Iterator[Event]:
    """
    What the history in `directory` knows of the tests `bad`, at most 500 of them, and of the suite.

    Runs that lie beside the database are taken in only when there are bad tests to be looked up: a run in which all is well
    waits for nothing. `tests` is how many this run had; durations of runs of another size tell nothing about it.

    Raises:
        HistoryError: the history cannot be opened, or is of a newer version.
        sqlite3.Error: it is busy or damaged.
    """
    with HistoryStore(directory, busy_s=_BUSY_S) as store:
        if bad:
            store.take_in()
        sizes = store.sizes(last=_LAST_RUNS)
        if not sizes:
            return
        counts = store.counts()
        yield SuitePast(
            at_s=time.monotonic(),
            runs=store.number_of_runs(),
            tests=len(counts),
            unsteady=sum(0 < failed < count for _, count, failed in counts),
            durations_s=tuple(run.duration_s for run, size in reversed(sizes) if 0.8 * tests <= size <= 1.25 * tests),
            failed_last=tuple(store.failed_in(sizes[0][0].id)[:_MOST_TESTS]),
            asked=min(len(bad), _MOST_TESTS),
        )
        for test in bad[:_MOST_TESTS]:
            known = _of(test, store.of(test), now=wall())
            if known is not None:
                yield known


def _of(test: str, seen: Sequence[tuple[Run, Try]], *, now: float) -> PastKnown | None:
    counting = [(run, one) for run, one in seen if one.outcome in COUNTING]
    if not counting:
        return None
    figures = of_test(test, seen, now=now)
    did_pass = counting[-1][1].did_pass
    row = 0
    while row < len(counting) and counting[-1 - row][1].did_pass is did_pass:
        row += 1
    began = counting[-row][0]
    newest = counting[-1][0].code
    return PastKnown(
        at_s=time.monotonic(),
        test=test,
        strip=figures.strip,
        judged=figures.class_,
        rate=figures.rate_text,
        passed=row if did_pass else 0,
        failed=0 if did_pass else row,
        since_at=round(began.at, 3),
        since_code=began.code,
        tries=tuple(
            PastTry(seed=run.seed, position=one.position, did_pass=one.did_pass)
            for run, one in counting
            if run.code == newest
        )[-_MOST_TRIES:],
    )
