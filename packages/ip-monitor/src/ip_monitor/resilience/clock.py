"""
Time as a parameter: nothing in IP Monitor reads the time but through a Clock.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """
    What the rest asks about time. All values are seconds.
    """

    def monotonic(self) -> float:
        """
        Seconds that never go back, from an arbitrary start; only differences mean anything.
        """
        ...

    def time(self) -> float:
        """
        Seconds since the Unix epoch, as the wall clock shows them; may jump either way.
        """
        ...

    async def sleep(self, delay: float) -> None:
        """
        Return after `delay` seconds of this clock. A delay of 0 or less yields to the loop once.
        """
        ...


class SystemClock:
    """
    The machine's own clocks and asyncio's sleep.
    """

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    async def sleep(self, delay: float) -> None:
        await asyncio.sleep(delay)


def utc_now(clock: Clock) -> datetime:
    """
    The wall clock's time in UTC, with microseconds.
    """
    return datetime.fromtimestamp(clock.time(), UTC)
