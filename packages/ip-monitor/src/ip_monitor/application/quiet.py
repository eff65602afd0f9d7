"""
When announcements to people wait: while somebody has muted them, and in quiet hours.

Nothing is dropped. What waited is sent when it is over, and as one message where a sink can.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ip_monitor.application.cancellation import cancel_and_wait
from ip_monitor.domain.quiet import kept_time
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ip_monitor.application.ports import Clock
    from ip_monitor.domain.quiet import QuietHours

LONGEST_MUTE_S = 30 * 86_400.0
# Wall clocks jump and daylight saving begins; a long wait is therefore looked at again in between.
_LOOK_AGAIN_S = 60.0


class MuteRefusedError(IPMonitorError, ValueError):
    """
    A time to be mute that cannot be used.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietStatus:
    """
    Attributes:
        muted_until: UTC; None when nobody muted.
        hours: the quiet hours as `22:00-07:00`, empty when there are none.
        remaining_s: how long announcements to people still wait, seconds; 0 when they do not.
    """

    muted_until: datetime | None
    hours: str
    remaining_s: float


def local_time(seconds: float) -> datetime:
    """
    Wall time, seconds since the epoch, on the clock of this machine's wall.
    """
    return datetime.fromtimestamp(seconds, UTC).astimezone()


class QuietTime:
    """
    Args:
        clock: wall time decides.
        hours: the quiet hours, None for none.
        loud: sinks that never wait, because programs and not people listen there.
        local: from wall time to local time.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        hours: QuietHours | None = None,
        loud: Collection[str] = (),
        local: Callable[[float], datetime] = local_time,
    ) -> None:
        self._clock = clock
        self.hours = hours
        self._loud = frozenset(loud)
        self._local = local
        self._muted_until: float | None = None
        self._changed = asyncio.Event()

    def mute(self, for_s: float) -> QuietStatus:
        """
        Let announcements to people wait for so long, from now on.

        Raises:
            MuteRefusedError: not above 0 and up to 30 days.
        """
        if not 0 < for_s <= LONGEST_MUTE_S:
            raise MuteRefusedError(f"mute for {for_s:,.0f} s cannot be; give a time above 0, up to 30 days.")
        return self.mute_until(self._clock.time() + for_s)

    def mute_until(self, at: float) -> QuietStatus:
        """
        The same until a wall time, seconds since the epoch; a time that is over unmutes.
        """
        self._muted_until = at if at > self._clock.time() else None
        self._changed.set()
        return self.status()

    def restore(self, kept: str | None) -> None:
        """
        Go on with the muting that an earlier process wrote down; what is no time is taken for none.
        """
        until = kept_time(kept)
        if until is not None:
            self.mute_until(until.timestamp())

    def unmute(self) -> QuietStatus:
        """
        End a muting. Quiet hours go on.
        """
        self._muted_until = None
        self._changed.set()
        return self.status()

    def set_hours(self, hours: QuietHours | None) -> None:
        self.hours = hours
        self._changed.set()

    def remaining_s(self, sink: str) -> float:
        """
        How long announcements to `sink` still wait, seconds; 0 when they do not.
        """
        return 0.0 if sink in self._loud else self._remaining_s()

    def status(self) -> QuietStatus:
        now = self._clock.time()
        until = self._muted_until if self._muted_until is not None and self._muted_until > now else None
        return QuietStatus(
            muted_until=None if until is None else datetime.fromtimestamp(until, UTC),
            hours="" if self.hours is None else str(self.hours),
            remaining_s=self._remaining_s(),
        )

    async def wait(self, sink: str) -> None:
        """
        Return when announcements to `sink` need not wait.
        """
        while (remaining_s := self.remaining_s(sink)) > 0:
            self._changed.clear()
            waits = [
                asyncio.ensure_future(self._clock.sleep(min(remaining_s, _LOOK_AGAIN_S))),
                asyncio.ensure_future(self._changed.wait()),
            ]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel_and_wait(waits)

    def _remaining_s(self) -> float:
        now = self._clock.time()
        muted_s = 0.0 if self._muted_until is None else max(0.0, self._muted_until - now)
        return max(muted_s, 0.0 if self.hours is None else self.hours.remaining_s(self._local(now)))
