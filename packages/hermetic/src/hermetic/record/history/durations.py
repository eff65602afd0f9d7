"""
What a test usually takes, and since when it takes something else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermetic.record.history.quantiles import median

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEWEST = 10
_CHANCE = 0.01
# Less than this is no drift, however sure it is: a fifth, and five milliseconds.
_LEAST_SHARE, _LEAST_S = 0.2, 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """
    From the moment `since` on, in seconds since the epoch, a test takes another time: the medians before and after in
    seconds, and how probable such a difference would be by chance.
    """

    since: float
    before_s: float
    after_s: float
    chance: float


def drift(timed: Sequence[tuple[float, float]]) -> Drift | None:
    """
    Where durations changed, if that is by chance in fewer than one in a hundred, a fifth of the time and 5 ms.

    Args:
        timed: moments in seconds since the epoch and durations in seconds, oldest first; fewer than ten tell nothing.

    Source: A. N. Pettitt, A non-parametric approach to the change-point problem, Applied Statistics 28 (1979): with K the
    largest |U(t)| for U(t) = 2 (the sum of the first t ranks) - t (n + 1), the chance is about 2 exp(-6 K^2 / (n^3 + n^2)).
    """
    count = len(timed)
    if count < _FEWEST:
        return None
    ranks = _ranks([seconds for _, seconds in timed])
    total, largest, at = 0.0, 0.0, 0
    for place, rank in enumerate(ranks[:-1], 1):
        total += rank
        distance = abs(2.0 * total - place * (count + 1))
        if distance > largest:
            largest, at = distance, place
    chance = min(1.0, 2.0 * math.exp(-6.0 * largest * largest / (count**3 + count**2)))
    if chance >= _CHANCE:
        return None
    before, after = (median([seconds for _, seconds in part]) for part in (timed[:at], timed[at:]))
    if abs(after - before) < max(_LEAST_S, _LEAST_SHARE * before) or not before:
        return None
    return Drift(since=timed[at][0], before_s=before, after_s=after, chance=chance)


def _ranks(values: Sequence[float]) -> list[float]:
    """
    1 for the least; equal values share the mean of theirs.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2.0
        start = end
    return ranks
