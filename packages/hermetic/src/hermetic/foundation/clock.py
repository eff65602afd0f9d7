"""
Time as a parameter: nothing in Hermetic reads the time but through a Clock.
"""

from __future__ import annotations

import time
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
        Seconds since the Unix epoch, as the wall clock shows them; may jump.
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
        import asyncio  # noqa: PLC0415 - 50 ms that a synchronous test run need not pay

        await asyncio.sleep(delay)
