"""
How much a history keeps by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_OUTCOMES: Final = 10_000_000
"""
So many it keeps, about a quarter of a gigabyte.
"""


def first_kept(runs: Sequence[tuple[int, int]], *, most: int) -> int | None:
    """
    The run from which on all are kept, of runs given as their numbers with how many tests each had, the newest first; None when
    they have no more than `most` tests together. A tenth more goes than must, so that it is seldom done, and the newest run stays.
    """
    if sum(tests for _, tests in runs) <= most:
        return None
    room = most - most // 10
    kept = runs[0][0]
    for number, tests in runs:
        room -= tests
        if room < 0:
            break
        kept = number
    return kept
