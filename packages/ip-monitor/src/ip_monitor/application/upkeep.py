"""
Work that keeps the monitor small over the years, done now and then and never in the way of a check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.application.rounds import in_rounds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.ports import Clock

FIRST_S = 60.0
EVERY_S = 86_400.0


class Upkeep:
    """
    Args:
        trim: deletes what is beyond the retention.
        first_s: how long after the start it runs for the first time, seconds, so that it does not slow the start.
        every_s: between two runs, seconds.
    """

    def __init__(
        self,
        trim: Callable[[], Awaitable[object]],
        *,
        announcer: Announcer,
        clock: Clock,
        first_s: float = FIRST_S,
        every_s: float = EVERY_S,
    ) -> None:
        self._trim = trim
        self._announcer = announcer
        self._clock = clock
        self._first_s = first_s
        self._every_s = every_s

    async def run(self) -> None:
        """
        Until cancelled. Storage that is unavailable is told as trouble, and tried again at the next time.
        """
        await in_rounds(
            self._trim,
            topic="upkeep",
            announcer=self._announcer,
            clock=self._clock,
            first_s=self._first_s,
            every_s=self._every_s,
        )
