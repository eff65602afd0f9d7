"""
Guilds, their members and channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord.people import Role
from ip_monitor.testing.discord.permissions import Permission

if TYPE_CHECKING:
    from ip_monitor.testing.discord.people import User


@dataclass(slots=True)
class Overwrite:
    """
    What a channel grants or takes for one role or member.
    """

    allow: Permission = Permission.NONE
    deny: Permission = Permission.NONE
    is_role: bool = False


@dataclass(eq=False, slots=True)
class Channel:
    """
    A text channel of a guild, or the direct messages between the bot and one user.
    """

    id: int
    name: str
    guild: Guild | None = None
    recipient: User | None = None
    position: int = 0
    overwrites: dict[int, Overwrite] = field(default_factory=dict[int, Overwrite])
    last_message_id: int | None = None
    last_pin_at: str | None = None

    @property
    def is_direct(self) -> bool:
        return self.guild is None

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"

    def payload(self) -> dict[str, Any]:
        last = None if self.last_message_id is None else str(self.last_message_id)
        if self.guild is None:
            return {
                "id": str(self.id),
                "type": 1,
                "flags": 0,
                "last_message_id": last,
                "last_pin_timestamp": self.last_pin_at,
                "recipients": [] if self.recipient is None else [self.recipient.payload()],
            }
        return {
            "id": str(self.id),
            "type": 0,
            "flags": 0,
            "guild_id": str(self.guild.id),
            "name": self.name,
            "position": self.position,
            "parent_id": None,
            "topic": None,
            "nsfw": False,
            "rate_limit_per_user": 0,
            "last_message_id": last,
            "last_pin_timestamp": self.last_pin_at,
            "permission_overwrites": [
                {
                    "id": str(target),
                    "type": 0 if overwrite.is_role else 1,
                    "allow": str(int(overwrite.allow)),
                    "deny": str(int(overwrite.deny)),
                }
                for target, overwrite in self.overwrites.items()
            ],
        }


@dataclass(eq=False, slots=True)
class Member:
    """
    A user in a guild.

    Attributes:
        joined_at: ISO 8601, UTC.
    """

    user: User
    guild: Guild
    joined_at: str
    roles: list[Role] = field(default_factory=list[Role])

    def payload(self, *, with_user: bool = True) -> dict[str, Any]:
        data: dict[str, Any] = {
            "avatar": None,
            "avatar_decoration_data": None,
            "banner": None,
            "collectibles": None,
            "communication_disabled_until": None,
            "deaf": False,
            "flags": 0,
            "joined_at": self.joined_at,
            "mute": False,
            "nick": None,
            "pending": False,
            "premium_since": None,
            "roles": [str(role.id) for role in self.roles],
        }
        if with_user:
            data["user"] = self.user.payload()
        return data


@dataclass(eq=False, slots=True)
class Guild:
    """
    What users call a server.
    """

    id: int
    name: str
    owner_id: int
    everyone: Role
    roles: list[Role] = field(default_factory=list[Role])
    members: dict[int, Member] = field(default_factory=dict[int, Member])
    channels: dict[int, Channel] = field(default_factory=dict[int, Channel])

    def payload(self) -> dict[str, Any]:
        """
        As `GET /guilds/{guild_id}` answers.
        """
        return {
            "id": str(self.id),
            "name": self.name,
            "icon": None,
            "description": None,
            "home_header": None,
            "splash": None,
            "discovery_splash": None,
            "features": [],
            "banner": None,
            "owner_id": str(self.owner_id),
            "application_id": None,
            "region": "deprecated",
            "afk_channel_id": None,
            "afk_timeout": 300,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "widget_enabled": False,
            "widget_channel_id": None,
            "verification_level": 0,
            "roles": [role.payload() for role in (self.everyone, *self.roles)],
            "default_message_notifications": 0,
            "mfa_level": 0,
            "explicit_content_filter": 0,
            "max_presences": None,
            "max_members": 500_000,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "vanity_url_code": None,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "preferred_locale": "en-US",
            "rules_channel_id": None,
            "safety_alerts_channel_id": None,
            "public_updates_channel_id": None,
            "premium_progress_bar_enabled": False,
            "nsfw": False,
            "nsfw_level": 0,
            "emojis": [],
            "stickers": [],
            "incidents_data": None,
        }

    def event(self, *, bot_id: int, with_members: bool) -> dict[str, Any]:
        """
        As GUILD_CREATE carries it; without the members intent only the bot itself is in the list.
        """
        members = [member for member in self.members.values() if with_members or member.user.id == bot_id]
        return {
            **self.payload(),
            "joined_at": self.members[bot_id].joined_at,
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "members": [member.payload() for member in members],
            "channels": [channel.payload() for channel in self.channels.values()],
            "threads": [],
            "presences": [],
            "voice_states": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }
