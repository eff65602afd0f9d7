"""
How long operations took against their budgets: counts, percentiles, and how close they came.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

RECENT = 1024
NAMES = 512
OTHERS = "(other operations)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationStatistics:
    """
    What is known about one operation.

    Attributes:
        name: The operation.
        count: Runs that ended, timeouts included.
        timeouts: Runs that their deadline ended.
        p50_s: Median duration in seconds of the last 1,024 runs, by nearest rank.
        p99_s: Their 99th percentile in seconds, by nearest rank.
        closest_s: The least time that a run which was not ended had left of its budget; None before the first.
        budget_s: The budget of the latest run in seconds.
    """

    name: str
    count: int
    timeouts: int
    p50_s: float
    p99_s: float
    closest_s: float | None
    budget_s: float

    def __str__(self) -> str:
        left = "" if self.closest_s is None else f", closest {self.closest_s:.3f} s before its end"
        return (
            f"{self.name}: {self.count} runs, {self.timeouts} timed out, p50 {self.p50_s:.3f} s, "
            f"p99 {self.p99_s:.3f} s of {self.budget_s:g} s{left}"
        )


class _Tally:
    __slots__ = ("budget_s", "closest_s", "count", "recent", "timeouts")

    def __init__(self) -> None:
        self.count = 0
        self.timeouts = 0
        self.closest_s: float | None = None
        self.budget_s = 0.0
        self.recent: deque[float] = deque(maxlen=RECENT)


class OperationLedger:
    """
    Counts runs by operation. Safe from any thread; memory is bounded: 1,024 durations an operation, 512 names.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[str, _Tally] = {}

    def record(self, name: str, *, elapsed_s: float, budget_s: float, timed_out: bool) -> None:
        with self._lock:
            tally = self._tallies.get(name)
            if tally is None:
                # Names may be computed ("fetch <url>"); past the bound they share one row instead of memory.
                name = name if len(self._tallies) < NAMES else OTHERS
                tally = self._tallies.setdefault(name, _Tally())
            tally.count += 1
            tally.budget_s = budget_s
            tally.recent.append(elapsed_s)
            if timed_out:
                tally.timeouts += 1
            else:
                left = budget_s - elapsed_s
                tally.closest_s = left if tally.closest_s is None else min(tally.closest_s, left)

    def statistics(self) -> dict[str, OperationStatistics]:
        """
        One row an operation, in the order in which they first ended.
        """
        with self._lock:
            return {name: _statistics(name, tally) for name, tally in self._tallies.items()}

    def reset(self) -> None:
        with self._lock:
            self._tallies.clear()


def _statistics(name: str, tally: _Tally) -> OperationStatistics:
    ordered = sorted(tally.recent)
    return OperationStatistics(
        name=name,
        count=tally.count,
        timeouts=tally.timeouts,
        p50_s=nearest_rank(ordered, 50),
        p99_s=nearest_rank(ordered, 99),
        closest_s=tally.closest_s,
        budget_s=tally.budget_s,
    )


def nearest_rank(ordered: list[float], percent: int) -> float:
    """
    The percentile of sorted values by nearest rank: the smallest value that `percent` % of them do not exceed.

    Source: the nearest-rank definition, rank = ceil(percent / 100 * n), counted from 1.
    """
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]
