"""
A clock for outages that last: it goes like the machine's, and a test sets it ahead.
"""

from __future__ import annotations

import asyncio

from ip_monitor.resilience.clock import SystemClock


class LeapingClock(SystemClock):
    """
    Who sleeps on it wakes as soon as a leap took it past the end of the sleep. Real time passes on it as well, so real
    connections and real deadlines work beside it.
    """

    def __init__(self) -> None:
        self._ahead_s = 0.0
        # Until when each sleeps, and for how long in all.
        self._sleepers: dict[asyncio.Event, tuple[float, float]] = {}
        self._slept = asyncio.Event()

    def time(self) -> float:
        return super().time() + self._ahead_s

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead_s

    async def sleep(self, delay: float) -> None:
        woken = asyncio.Event()
        self._sleepers[woken] = (self.monotonic() + delay, delay)
        self._slept.set()
        try:
            async with asyncio.timeout(max(0.0, delay)):
                await woken.wait()
        except TimeoutError:
            pass
        finally:
            del self._sleepers[woken]

    async def leap(self, seconds: float) -> None:
        """
        Set it ahead by `seconds`, once who said in this turn of the loop that they will sleep have fallen asleep.
        """
        for _ in range(3):
            await asyncio.sleep(0)
        self._ahead_s += seconds
        now = self.monotonic()
        for woken, (until, _) in self._sleepers.items():
            if until <= now:
                woken.set()

    async def pass_over(self, delay: float) -> None:
        """
        Wait until somebody sleeps for exactly `delay` seconds, and set it ahead by as much.
        """
        while all(slept != delay for _, slept in self._sleepers.values()):
            self._slept.clear()
            await self._slept.wait()
        await self.leap(delay)
