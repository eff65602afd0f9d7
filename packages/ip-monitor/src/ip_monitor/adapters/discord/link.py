"""
Whether the gateway is there, since when, and waiting for it to be away for too long.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ip_monitor.application.cancellation import cancel_and_wait

if TYPE_CHECKING:
    from ip_monitor.resilience.clock import Clock


class Link:
    """
    Told by the client's events.

    Attributes:
        connections: how often it came up.
        latency_s: of the last heartbeat, seconds; None while it is not there.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._changed = asyncio.Event()
        self._since = clock.monotonic()
        self._is_up = False
        self.connections = 0
        self.latency_s: float | None = None

    @property
    def is_up(self) -> bool:
        return self._is_up

    @property
    def since_s(self) -> float:
        """
        How long it has been up, or down, seconds.
        """
        return self._clock.monotonic() - self._since

    def up(self) -> None:
        if not self._is_up:
            self.connections += 1
            self._turn(is_up=True)

    def down(self) -> None:
        if self._is_up:
            self._turn(is_up=False)

    def restart(self) -> None:
        """
        A new client begins; its time counts from now.
        """
        self._turn(is_up=False)

    async def pause(self, seconds: float) -> None:
        """
        On the clock by which it counts.
        """
        await self._clock.sleep(seconds)

    async def wait_up(self) -> None:
        while not self._is_up:
            self._changed.clear()
            await self._changed.wait()

    async def wait_gone(self, limit_s: float) -> None:
        """
        Return when it has been down for `limit_s` seconds without a break.
        """
        while True:
            self._changed.clear()
            changed = asyncio.ensure_future(self._changed.wait())
            if self._is_up:
                try:
                    await changed
                finally:
                    await cancel_and_wait([changed])
                continue
            pause = asyncio.ensure_future(self._clock.sleep(max(0.0, limit_s - self.since_s)))
            try:
                done, _ = await asyncio.wait({changed, pause}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel_and_wait([changed, pause])
            if pause in done and self.since_s >= limit_s:
                return

    def _turn(self, *, is_up: bool) -> None:
        self._is_up = is_up
        self._since = self._clock.monotonic()
        if not is_up:
            self.latency_s = None
        self._changed.set()
