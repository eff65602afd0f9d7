"""
Everything that Discord knows in one test: the application, its users, guilds, channels, commands and webhooks.

What changes here is told to the gateway's sessions at once, in the order in which it happens.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ip_monitor.testing.discord import refusal
from ip_monitor.testing.discord.granting import permissions_in
from ip_monitor.testing.discord.intents import Intent
from ip_monitor.testing.discord.people import Role, User
from ip_monitor.testing.discord.permissions import EVERYONE, Permission
from ip_monitor.testing.discord.places import Channel, Guild, Member, Overwrite
from ip_monitor.testing.discord.pulse import Pulse
from ip_monitor.testing.discord.snowflakes import Snowflakes

if TYPE_CHECKING:
    from ip_monitor.resilience.clock import Clock
    from ip_monitor.testing.discord.commands import Command
    from ip_monitor.testing.discord.interactions import Interaction
    from ip_monitor.testing.discord.messages import Attachment, Message

# What an invited bot of this kind asks for.
BOT_PERMISSIONS = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.PIN_MESSAGES
    | Permission.USE_APPLICATION_COMMANDS
)


class Publisher(Protocol):
    def __call__(self, name: str, data: dict[str, Any], *, needs: Intent = Intent.NONE) -> None: ...


@dataclass(eq=False, slots=True)
class Webhook:
    """
    Attributes:
        url: what a bot's owner copies from the channel's settings.
    """

    id: int
    token: str
    channel: Channel
    name: str
    application_id: int | None = None

    @property
    def url(self) -> str:
        return f"https://discord.com/api/webhooks/{self.id}/{self.token}"


class World:
    """
    Attributes:
        publish: takes each event; the double puts the gateway there.
    """

    def __init__(self, *, clock: Clock, token: str | None = None, bot_name: str = "ip-monitor") -> None:
        self.clock = clock
        self.snowflakes = Snowflakes(clock)
        self.pulse = Pulse()
        self.publish: Publisher = _nobody
        self.bot = User(self.snowflakes.take(), bot_name, is_bot=True)
        self.token = token or f"{self.bot.id}.{secrets.token_urlsafe(24)}"
        self.users: dict[int, User] = {self.bot.id: self.bot}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self._messages: dict[int, dict[int, Message]] = {}
        self.commands: dict[int, Command] = {}
        self.interactions: dict[str, Interaction] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.files: dict[str, Attachment] = {}
        self.owner = self.add_user("owner")

    # ------------------------------------------------------------ time

    @property
    def application_id(self) -> int:
        return self.bot.id

    def now(self) -> str:
        """
        ISO 8601 in UTC, as Discord writes it.
        """
        return dt.datetime.fromtimestamp(self.clock.time(), dt.UTC).isoformat(timespec="microseconds")

    # ------------------------------------------------------------ making

    def add_user(self, name: str, *, locale: str = "en-US", accepts_direct: bool = True) -> User:
        user = User(self.snowflakes.take(), name, locale=locale, accepts_direct=accepts_direct)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, *, owner: User | None = None) -> Guild:
        """
        A guild with the bot in it; sessions that are open are told.
        """
        owner = owner or self.owner
        number = self.snowflakes.take()
        guild = Guild(number, name, owner.id, Role(number, "@everyone", EVERYONE))
        self.guilds[guild.id] = guild
        own = Role(self.snowflakes.take(), self.bot.name, BOT_PERMISSIONS, position=1, is_managed=True)
        guild.roles.append(own)
        for user, roles in ((owner, []), (self.bot, [own])):
            guild.members[user.id] = Member(user, guild, self.now(), roles)
        self.publish("GUILD_CREATE", {"id": str(guild.id)}, needs=Intent.GUILDS)
        return guild

    def add_member(self, guild: Guild, user: User, *roles: Role) -> Member:
        member = guild.members[user.id] = Member(user, guild, self.now(), list(roles))
        data = {**member.payload(), "guild_id": str(guild.id)}
        self.publish("GUILD_MEMBER_ADD", data, needs=Intent.GUILD_MEMBERS)
        return member

    def add_role(self, guild: Guild, name: str, permissions: Permission = Permission.NONE) -> Role:
        role = Role(self.snowflakes.take(), name, permissions, position=len(guild.roles) + 1)
        guild.roles.append(role)
        self.publish("GUILD_ROLE_CREATE", {"guild_id": str(guild.id), "role": role.payload()}, needs=Intent.GUILDS)
        return role

    def add_channel(self, guild: Guild, name: str) -> Channel:
        channel = Channel(self.snowflakes.take(), name, guild, position=len(guild.channels))
        guild.channels[channel.id] = self.channels[channel.id] = channel
        self.publish("CHANNEL_CREATE", channel.payload(), needs=Intent.GUILDS)
        return channel

    def add_webhook(self, channel: Channel, name: str = "ip-monitor") -> Webhook:
        webhook = Webhook(self.snowflakes.take(), secrets.token_urlsafe(51), channel, name)
        self.webhooks[webhook.id] = webhook
        return webhook

    def direct(self, user: User) -> Channel:
        """
        The direct messages between the bot and this user, made when there are none.
        """
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self.snowflakes.take(), user.name, recipient=user)
        self.channels[channel.id] = channel
        return channel

    # ------------------------------------------------------------ changing

    def remove_channel(self, channel: Channel) -> None:
        self.channels.pop(channel.id, None)
        if channel.guild is not None:
            channel.guild.channels.pop(channel.id, None)
        self.publish("CHANNEL_DELETE", channel.payload(), needs=Intent.GUILDS)

    def remove_guild(self, guild: Guild) -> None:
        """
        The bot is no longer in it.
        """
        self.guilds.pop(guild.id, None)
        for number in guild.channels:
            self.channels.pop(number, None)
        self.publish("GUILD_DELETE", {"id": str(guild.id)}, needs=Intent.GUILDS)

    def overwrite(self, channel: Channel, target: User | Role, *, allow: Permission, deny: Permission) -> None:
        """
        Set a channel's permissions for one user or role, in place of what was set before.
        """
        channel.overwrites[target.id] = Overwrite(allow, deny, isinstance(target, Role))
        self.publish("CHANNEL_UPDATE", channel.payload(), needs=Intent.GUILDS)

    # ------------------------------------------------------------ asking

    def channel(self, number: int) -> Channel:
        """
        Raises:
            Refusal: 10003.
        """
        if number not in self.channels:
            raise refusal.unknown_channel()
        return self.channels[number]

    def messages(self, channel: Channel) -> dict[int, Message]:
        """
        Everything in a channel by id, in order, those included that only one user sees.
        """
        return self._messages.setdefault(channel.id, {})

    def history(self, channel: Channel) -> list[Message]:
        """
        What everyone sees, oldest first.
        """
        return [message for message in self.messages(channel).values() if message.only_for is None]

    def permissions(self, channel: Channel, user: User) -> Permission:
        """
        What `user` may do in `channel`; nothing when not a member.
        """
        if channel.guild is None:
            return permissions_in(channel, None) if user in {self.bot, channel.recipient} else Permission.NONE
        member = channel.guild.members.get(user.id)
        return Permission.NONE if member is None else permissions_in(channel, member)

    def require(self, channel: Channel, *needed: Permission) -> None:
        """
        Raises:
            Refusal: the bot cannot see the channel (50001), or lacks one of the permissions there (50013).
        """
        granted = self.permissions(channel, self.bot)
        if not granted & Permission.VIEW_CHANNEL:
            raise refusal.missing_access()
        if any(not granted & permission for permission in needed):
            raise refusal.missing_permissions()


def _nobody(name: str, data: dict[str, Any], *, needs: Intent = Intent.NONE) -> None:
    """
    Before there is a gateway nobody listens.
    """
