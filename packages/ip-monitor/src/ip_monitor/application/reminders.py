"""
Telling people again what they were told before: on a schedule of their own choice, and once when a line that went back and
forth has settled, because they were not told of each of its changes.

A reminder waits behind every change, and is not made while the monitor itself is in serious trouble.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ip_monitor.application.rounds import in_rounds
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.flapping import FLAP_WINDOW_S
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.ports import Clock, LastTold, ReminderStore

LOOK_EVERY_S = 60.0


class Reminders:
    """
    Args:
        store: knows when people were last told.
        sinks: where people are told now.
        wake: tells the delivery that there is something new.
        every_s: how long after they were last told people are told again, seconds, now; 0 for never.
        may_tell: whether this is a time for it.
    """

    def __init__(
        self,
        store: ReminderStore,
        *,
        sinks: Callable[[], Sequence[str]],
        wake: Callable[[], None],
        every_s: Callable[[], float],
        announcer: Announcer,
        clock: Clock,
        may_tell: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._sinks = sinks
        self._wake = wake
        self._every_s = every_s
        self._announcer = announcer
        self._clock = clock
        self._may_tell = may_tell

    async def run(self) -> None:
        """
        Look once a minute until cancelled. Storage that is unavailable is told as trouble.
        """
        await in_rounds(
            self.look,
            topic="reminders",
            announcer=self._announcer,
            clock=self._clock,
            first_s=LOOK_EVERY_S,
            every_s=LOOK_EVERY_S,
        )

    async def look(self) -> None:
        """
        Write the reminders that are due now.

        Raises:
            StorageUnavailableError: they cannot be read or written.
        """
        sinks = self._sinks()
        if not sinks or not self._may_tell():
            return
        now = utc_now(self._clock)
        for family in Family:
            last = await self._store.last_told(family)
            if last is not None and self._is_due(last, now):
                await self._store.add_reminder(replace(last.change, is_reminder=True), at=now, sinks=sinks)
                self._wake()

    def _is_due(self, last: LastTold, now: datetime) -> bool:
        has_settled = bool(last.change.pool) and (now - last.change.at).total_seconds() > FLAP_WINDOW_S
        if has_settled and not last.is_reminded:
            return True
        every_s = self._every_s()
        return every_s > 0 and (now - last.told_at).total_seconds() >= every_s
