"""
How slow this machine is now, as a factor for budgets that were chosen on another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.foundation import SystemClock

if TYPE_CHECKING:
    from hermetic.foundation import Clock

# Seconds that one round of `_work` takes on the machine on which the default budgets were chosen: the median of
# 200 rounds, CPython 3.11.
REFERENCE_S = 0.0023
ROUNDS = 15
LARGEST = 20.0


def _work() -> int:
    # Calls, dictionary writes and small integers: what event loops are made of, so the factor follows them.
    table: dict[int, int] = {}
    for number in range(20_000):
        table[number & 1023] = number ^ len(table)
    return sum(table.values())


def machine_factor(clock: Clock | None = None) -> float:
    """
    How many times slower than the reference this machine is at the moment, between 1 and 20.

    It takes the median of 15 rounds of 2 ms of work each, so a single interruption does not count, and a machine that
    is faster than the reference gives 1: budgets grow, they never shrink.
    """
    clock = clock or SystemClock()
    rounds: list[float] = []
    for _ in range(ROUNDS):
        started = clock.monotonic()
        _work()
        rounds.append(clock.monotonic() - started)
    return min(LARGEST, max(1.0, sorted(rounds)[ROUNDS // 2] / REFERENCE_S))
