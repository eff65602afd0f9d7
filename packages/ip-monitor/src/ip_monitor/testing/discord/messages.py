"""
A message as the double keeps it, with what a test wants to ask of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord.components import Control, controls_in

if TYPE_CHECKING:
    from ip_monitor.testing.discord.people import User
    from ip_monitor.testing.discord.places import Channel

# Source: Discord developer documentation, Resources / Message / Message Flags.
SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_NOTIFICATIONS = 1 << 12
COMPONENTS_V2 = 1 << 15


@dataclass(eq=False, slots=True)
class Attachment:
    """
    A file in a message, with what was uploaded.
    """

    id: int
    filename: str
    content_type: str
    data: bytes
    url: str
    description: str | None = None

    def payload(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "id": str(self.id),
            "filename": self.filename,
            "size": len(self.data),
            "url": self.url,
            "proxy_url": self.url,
            "content_type": self.content_type,
        }
        if self.description is not None:
            data["description"] = self.description
        return data


@dataclass(eq=False, slots=True)
class Message:
    """
    Attributes:
        only_for: the user who alone sees it (ephemeral); None for everyone.
        pinged: ids of the users who were notified, `None` among them for @everyone or @here.
        revisions: the contents it had before each edit.
    """

    id: int
    channel: Channel
    author: User
    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    components: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    flags: int = 0
    type: int = 0
    timestamp: str = ""
    edited_timestamp: str | None = None
    pinned_at: str | None = None
    nonce: str | int | None = None
    only_for: User | None = None
    mentions: list[User] = field(default_factory=list["User"])
    mention_everyone: bool = False
    reference: Message | None = None
    webhook_id: int | None = None
    application_id: int | None = None
    interaction_metadata: dict[str, Any] | None = None
    is_deleted: bool = False
    reactions: list[str] = field(default_factory=list[str])
    revisions: list[str] = field(default_factory=list[str])

    @property
    def is_ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def is_loading(self) -> bool:
        """
        Whether users see “… is thinking”.
        """
        return bool(self.flags & LOADING)

    @property
    def is_pinned(self) -> bool:
        return self.pinned_at is not None

    @property
    def embed(self) -> dict[str, Any]:
        """
        Its first embed.

        Raises:
            LookupError: it has none.
        """
        if not self.embeds:
            raise LookupError(f"message {self.id} has no embed; its content is {self.content!r}")
        return self.embeds[0]

    @property
    def controls(self) -> list[Control]:
        """
        Its buttons and selects, in order.
        """
        return controls_in(self.components)

    @property
    def text(self) -> str:
        """
        Everything in it that can be read: content, embeds and text components, a line each.
        """
        lines = [self.content] if self.content else []
        for embed in self.embeds:
            lines += [str(embed[key]) for key in ("title", "description") if embed.get(key)]
            for item in embed.get("fields", ()):
                lines += [f"{item['name']}: {item['value']}"]
            lines += [embed["footer"]["text"]] if embed.get("footer") else []
        lines += _texts(self.components)
        return "\n".join(lines)

    def payload(self) -> dict[str, Any]:
        """
        As the REST interface answers it.
        """
        data: dict[str, Any] = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "type": self.type,
            "content": self.content,
            "author": self.author.payload(),
            "mentions": [user.payload() for user in self.mentions],
            "mention_roles": [],
            "mention_everyone": self.mention_everyone,
            "attachments": [attachment.payload() for attachment in self.attachments],
            "embeds": self.embeds,
            "components": self.components,
            "timestamp": self.timestamp,
            "edited_timestamp": self.edited_timestamp,
            "flags": self.flags,
            "pinned": self.is_pinned,
            "tts": False,
        }
        optional = {
            "nonce": self.nonce,
            "webhook_id": None if self.webhook_id is None else str(self.webhook_id),
            "application_id": None if self.application_id is None else str(self.application_id),
            "interaction_metadata": self.interaction_metadata,
        }
        data |= {key: value for key, value in optional.items() if value is not None}
        if self.reference is not None:
            data["message_reference"] = self._reference(self.reference)
            data["referenced_message"] = None if self.reference.is_deleted else _without_reference(self.reference)
        return data

    def event(self) -> dict[str, Any]:
        """
        As MESSAGE_CREATE carries it.
        """
        data = self.payload()
        guild = self.channel.guild
        if guild is not None:
            data["guild_id"] = str(guild.id)
            member = guild.members.get(self.author.id)
            if member is not None:
                data["member"] = member.payload(with_user=False)
        return data

    def _reference(self, other: Message) -> dict[str, Any]:
        reference: dict[str, Any] = {"type": 0, "message_id": str(other.id), "channel_id": str(other.channel.id)}
        if other.channel.guild is not None:
            reference["guild_id"] = str(other.channel.guild.id)
        return reference


def _without_reference(message: Message) -> dict[str, Any]:
    data = message.payload()
    data.pop("referenced_message", None)
    return data


def _texts(components: list[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    for component in components:
        if component.get("type") == 10:
            found.append(str(component["content"]))
        found += _texts(component.get("components", []))
    return found
