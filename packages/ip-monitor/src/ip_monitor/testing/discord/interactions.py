"""
One use of a command, button, select or modal: from the user's act to everything the bot answers.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord import refusal

if TYPE_CHECKING:
    from ip_monitor.testing.discord.commands import Command
    from ip_monitor.testing.discord.messages import Message
    from ip_monitor.testing.discord.people import User
    from ip_monitor.testing.discord.places import Channel

# Source: Discord developer documentation, Interactions / Receiving and Responding.
ANSWER_WITHIN_S = 3.0
TOKEN_LASTS_S = 15 * 60.0


class InteractionType(IntEnum):
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class CallbackType(IntEnum):
    PONG = 1
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


@dataclass(eq=False, slots=True)
class Interaction:
    """
    Attributes:
        begun: when the user acted, monotonic seconds of the double's clock.
        source: the message whose component was used.
        original: what `@original` names: the reply, or `source` when that was updated.
        modal: the form that the bot opened, as it came.
        choices: what an autocomplete offered.
    """

    id: int
    type: InteractionType
    user: User
    channel: Channel
    begun: float
    data: dict[str, Any]
    command: Command | None = None
    source: Message | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    callback: CallbackType | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list["Message"])
    modal: dict[str, Any] | None = None
    choices: list[dict[str, Any]] | None = None
    is_updated: bool = False

    def check_first_answer(self, now: float) -> None:
        """
        Raises:
            Refusal: it was answered before (40060), or not within 3 seconds (10062).
        """
        if self.callback is not None:
            raise refusal.already_acknowledged()
        if now - self.begun > ANSWER_WITHIN_S:
            raise refusal.unknown_interaction()

    def check_token(self, now: float) -> None:
        """
        Raises:
            Refusal: the token's 15 minutes are over (50027), or nothing was answered yet (10015).
        """
        if now - self.begun > TOKEN_LASTS_S:
            raise refusal.invalid_webhook_token()
        if self.callback is None:
            raise refusal.unknown_webhook()

    @property
    def is_settled(self) -> bool:
        """
        Whether the user sees a result, and no longer a spinner.
        """
        if self.callback in {CallbackType.DEFERRED_MESSAGE, CallbackType.DEFERRED_UPDATE}:
            return self.is_updated or bool(self.followups)
        return self.callback is not None

    def metadata(self) -> dict[str, Any]:
        """
        As messages carry it that answer the interaction.
        """
        data: dict[str, Any] = {
            "id": str(self.id),
            "type": int(self.type),
            "user": self.user.payload(),
            "authorizing_integration_owners": self.owners(),
        }
        if self.type is InteractionType.COMPONENT and self.source is not None:
            data["interacted_message_id"] = str(self.source.id)
        if self.type is InteractionType.MODAL:
            data["triggering_interaction_metadata"] = {
                **{key: data[key] for key in ("id", "user", "authorizing_integration_owners")},
                "type": int(InteractionType.COMMAND),
            }
        return data

    def owners(self) -> dict[str, str]:
        guild = self.channel.guild
        return {"0": "0" if guild is None else str(guild.id)}
