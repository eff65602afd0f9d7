"""
Users, and the roles they can have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ip_monitor.testing.discord.permissions import Permission


@dataclass(eq=False, slots=True)
class User:
    """
    Somebody with an account, or a bot.

    Attributes:
        accepts_direct: whether a bot may write to them; else Discord answers 50007.
        locale: the language of their client, which interactions carry.
    """

    id: int
    name: str
    is_bot: bool = False
    accepts_direct: bool = True
    locale: str = "en-US"

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def payload(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "username": self.name,
            "global_name": None if self.is_bot else self.name.capitalize(),
            "avatar": None,
            "discriminator": "0000" if self.is_bot else "0",
            "public_flags": 0,
            "flags": 0,
            "bot": self.is_bot,
            "primary_guild": None,
            "avatar_decoration_data": None,
            "collectibles": None,
        }


@dataclass(eq=False, slots=True)
class Role:
    id: int
    name: str
    permissions: Permission = Permission.NONE
    position: int = 0
    is_managed: bool = False

    def payload(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(int(self.permissions)),
            "position": self.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": self.is_managed,
            "mentionable": False,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }
