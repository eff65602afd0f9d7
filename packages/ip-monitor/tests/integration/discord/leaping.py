"""
A clock for outages that last: it goes like the machine's, and a test sets it ahead.
"""

from __future__ import annotations

import asyncio

from ip_monitor.resilience.clock import SystemClock


class LeapingClock(SystemClock):
    """
    Who sleeps on it wakes as soon as a leap took it past the end of the sleep.
    """

    def __init__(self):
        self._ahead_s = 0.0
        self._sleepers = {}

    def time(self):
        return super().time() + self._ahead_s

    def monotonic(self):
        return super().monotonic() + self._ahead_s

    async def sleep(self, delay):
        woken = asyncio.Event()
        self._sleepers[woken] = self.monotonic() + delay
        try:
            async with asyncio.timeout(max(0.0, delay)):
                await woken.wait()
        except TimeoutError:
            pass
        finally:
            del self._sleepers[woken]

    async def leap(self, seconds):
        """
        Set it ahead, once who said in this turn of the loop that they will sleep have fallen asleep.
        """
        for _ in range(3):
            await asyncio.sleep(0)
        self._ahead_s += seconds
        now = self.monotonic()
        for woken, until in self._sleepers.items():
            if until <= now:
                woken.set()
