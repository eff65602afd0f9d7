"""
Announcements on their way, alone: a real outbox in a file, the real delivery, and a receiver on loopback.
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ip_monitor.domain.changes import Change
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from hermetic.world.http import MockServer

    from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
    from ip_monitor.application.delivery import Delivery
    from ip_monitor.resilience.clock import Clock

PATH = "/announcements"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQueue:
    """
    Attributes:
        delivery: sends what is queued; stop, start, revise and drain it.
        storage: where it is queued.
        receiver: answers 204 at `/announcements` until told otherwise; what it got is in `receiver.calls`.
    """

    delivery: Delivery
    storage: SQLiteIPStorage
    receiver: MockServer
    clock: Clock

    async def queue(self, address: str) -> Change:
        """
        Write down that the address changed to this one, with the announcement that is due, and wake the delivery.

        Raises:
            ValueError: it is no address.
            StorageUnavailableError: it cannot be written.
        """
        parsed = ipaddress.ip_address(address)
        known = await self.storage.get_ip_history(limit=1)
        previous = known[0].address if known and known[0].address.version == parsed.version else None
        at = utc_now(self.clock)
        change = Change(
            key=secrets.token_hex(8),
            address=parsed,
            previous=previous,
            at=at,
            previous_since=None if previous is None else at - timedelta(hours=1),
            operators=("alder", "birch"),
        )
        await self.storage.save_current_ip(change, sinks=self.delivery.sinks)
        self.delivery.wake()
        return change

    async def announce(self, address: str) -> Change:
        """
        The same, and return when it was acknowledged.
        """
        change = await self.queue(address)
        await self.delivery.drain()
        return change
