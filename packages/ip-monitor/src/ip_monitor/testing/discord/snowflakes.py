"""
Discord's identifiers: the time in milliseconds since 2015 in the upper bits, so that they sort by age.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ip_monitor.resilience.clock import Clock

# Source: Discord developer documentation, API Reference / Snowflakes.
EPOCH_MS = 1_420_070_400_000


class Snowflakes:
    """
    Gives each number once, in rising order, also when the clock stands still or goes back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def take(self) -> int:
        moment = (int(self._clock.time() * 1000) - EPOCH_MS) << 22
        self._last = max(self._last + 1, moment)
        return self._last
