"""
Messages sent with `enforce_nonce`, for as long as Discord remembers them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ip_monitor.resilience.clock import Clock
    from ip_monitor.testing.discord.messages import Message
    from ip_monitor.testing.discord.places import Channel

# Discord promises "the past few minutes" and no number.
REMEMBERED_S = 180.0


class Nonces:
    def __init__(self, clock: Clock, *, remembered_s: float = REMEMBERED_S) -> None:
        self.remembered_s = remembered_s
        self._clock = clock
        self._kept: dict[tuple[int, str], tuple[float, Message]] = {}

    def keep(self, message: Message) -> None:
        self._kept[message.channel.id, str(message.nonce)] = (self._clock.monotonic(), message)

    def earlier(self, channel: Channel, nonce: str | int) -> Message | None:
        """
        The message that had this nonce within the time, deleted or not.
        """
        kept = self._kept.get((channel.id, str(nonce)))
        if kept is None or self._clock.monotonic() - kept[0] > self.remembered_s:
            return None
        return kept[1]
