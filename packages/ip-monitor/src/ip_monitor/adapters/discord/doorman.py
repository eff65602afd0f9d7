"""
Who may do what. Discord hides the administrators' commands from others; that is a courtesy of its clients, so every
call is judged here again.

A bot can be invited to many servers, and anybody is an administrator in a server of their own. Only the server that the
bot announces in counts. In direct messages Discord tells nothing about membership, so it is asked.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import aiohttp
import discord

from ip_monitor.adapters.discord.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.resilience.clock import Clock
    from ip_monitor.settings import Settings

_LOG = logging.getLogger("ip_monitor")
REMEMBERED_S = 60.0
"""
For how long a member's standing in direct messages is believed, seconds.
"""
_MOST_REMEMBERED = 256


class Doorman:
    """
    Args:
        settings: those that apply now.

    Attributes:
        home: the server that the bot announces in; None while it is not known.
    """

    def __init__(self, *, settings: Callable[[], Settings], clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.home: int | None = None
        self._seen: dict[int, tuple[float, Standing]] = {}

    async def of_interaction(self, interaction: discord.Interaction) -> Standing:
        user = interaction.user
        if self._is_named(user.id):
            return Standing.ADMINISTRATOR
        if interaction.guild_id is None:
            return await self._of_person(interaction.client, user.id)
        if interaction.guild_id != self.home or not isinstance(user, discord.Member):
            return Standing.STRANGER
        return self._of_member(user, interaction.permissions)

    async def of_message(self, client: discord.Client, message: discord.Message) -> Standing:
        author = message.author
        if self._is_named(author.id):
            return Standing.ADMINISTRATOR
        if message.guild is None:
            return await self._of_person(client, author.id)
        if message.guild.id != self.home or not isinstance(author, discord.Member):
            return Standing.STRANGER
        return self._of_member(author, author.guild_permissions)

    def _is_named(self, user: int) -> bool:
        return user in self._settings().discord_admins

    def _of_member(self, member: discord.Member, permissions: discord.Permissions) -> Standing:
        roles = self._settings().discord_admin_roles
        may_manage = permissions.manage_guild or permissions.administrator
        has_role = any(role.id in roles for role in member.roles)
        return Standing.ADMINISTRATOR if may_manage or has_role else Standing.MEMBER

    async def _of_person(self, client: discord.Client, user: int) -> Standing:
        now = self._clock.monotonic()
        known = self._seen.get(user)
        if known is not None and now - known[0] < REMEMBERED_S:
            return known[1]
        found = await self._ask(client, user)
        standing = Standing.STRANGER if found is None else found
        if user in self._settings().discord_recipients:
            # Who is told every change may ask as well.
            standing = max(standing, Standing.MEMBER)
        if found is None:
            return standing
        while len(self._seen) >= _MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[user] = (now, standing)
        return standing

    async def _ask(self, client: discord.Client, user: int) -> Standing | None:
        """
        None when Discord does not tell now.
        """
        guild = None if self.home is None else client.get_guild(self.home)
        if guild is None:
            return None
        try:
            member = await guild.fetch_member(user)
        except discord.NotFound:
            return Standing.STRANGER
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            _LOG.warning("Discord does not tell whether %d is a member (%s)", user, type(error).__name__)
            return None
        return self._of_member(member, member.guild_permissions)
