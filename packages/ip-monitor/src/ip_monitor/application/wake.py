"""
Noticing that the machine slept: its timers slept too, and the wall clock went on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.application.ports import Clock

# More than clocks are ever corrected by in one step on a machine that is kept in time, and less than any sleep that matters.
SLEPT_S = 30.0
LOOK_EVERY_S = 15.0


class SleepWatch:
    """
    Args:
        alarm: called when the machine woke.
        every_s: between two looks, seconds: how long after waking it is noticed at most.
    """

    def __init__(self, alarm: Callable[[], None], *, clock: Clock, every_s: float = LOOK_EVERY_S) -> None:
        self._alarm = alarm
        self._clock = clock
        self._every_s = every_s

    async def run(self) -> None:
        """
        Until cancelled.
        """
        ahead_s = self._ahead_s()
        while True:
            await self._clock.sleep(self._every_s)
            before_s, ahead_s = ahead_s, self._ahead_s()
            if ahead_s - before_s > SLEPT_S:
                self._alarm()

    def _ahead_s(self) -> float:
        """
        How far the wall clock is ahead of the one that stops while the machine sleeps.
        """
        return self._clock.time() - self._clock.monotonic()
