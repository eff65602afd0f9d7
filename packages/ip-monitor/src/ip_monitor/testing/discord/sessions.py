"""
A gateway session: what one IDENTIFY began, over all the connections that resume it.
"""

from __future__ import annotations

import secrets
from collections import deque
from typing import Any, Protocol

from ip_monitor.testing.discord.intents import Intent

# How many events a session keeps for a replay. Discord does not publish its number.
_KEPT = 1_000


class Outlet(Protocol):
    """
    The connection that a session has at the moment.
    """

    def send(self, payload: dict[str, Any]) -> None: ...

    def close_soon(self, code: int) -> None: ...


class Session:
    """
    Attributes:
        status: the presence that others see: "online", "idle", "dnd" or "invisible"; "offline" when it is over.
        is_resumable: cleared by an invalidation and by a close with 1000 or 1001.
    """

    def __init__(self, *, intents: Intent, bot_id: int, presence: dict[str, Any] | None) -> None:
        self.id = secrets.token_hex(16)
        self.intents = intents
        self.sequence = 0
        self.connection: Outlet | None = None
        self.is_resumable = True
        self.presence: dict[str, Any] = presence or {"status": "online", "activities": []}
        self._bot_id = str(bot_id)
        self._kept: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    @property
    def status(self) -> str:
        return str(self.presence.get("status") or "online") if self.is_resumable else "offline"

    def dispatch(self, name: str, data: dict[str, Any]) -> None:
        """
        Number an event, keep it, and send it when there is a connection.
        """
        self.sequence += 1
        payload = {"op": 0, "t": name, "s": self.sequence, "d": self._as_seen(name, data)}
        self._kept.append(payload)
        if self.connection is not None:
            self.connection.send(payload)

    def missed_since(self, sequence: int) -> list[dict[str, Any]] | None:
        """
        The events after `sequence`; None when they cannot all be given any more.
        """
        oldest = self._kept[0]["s"] if self._kept else self.sequence + 1
        if sequence > self.sequence or sequence < oldest - 1:
            return None
        return [payload for payload in self._kept if payload["s"] > sequence]

    def _as_seen(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        """
        Without the intent, what is in others' messages is hidden, but for direct messages and mentions of the bot.
        """
        if name not in {"MESSAGE_CREATE", "MESSAGE_UPDATE"} or self.intents & Intent.MESSAGE_CONTENT:
            return data
        mentioned = any(user["id"] == self._bot_id for user in data["mentions"])
        if "guild_id" not in data or mentioned or data["author"]["id"] == self._bot_id:
            return data
        return {**data, "content": "", "embeds": [], "attachments": [], "components": []}
