"""
What a member may do in a channel.

Source: Discord developer documentation, Topics / Permissions (the order in which overwrites apply).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.testing.discord.permissions import DIRECT, EVERYTHING, Permission

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ip_monitor.testing.discord.places import Channel, Member


def permissions_in(channel: Channel, member: Member | None) -> Permission:
    """
    What `member` may do in `channel`; None stands for the other side of a direct message.

    Roles add up; the administrator bit grants everything; then the channel's overwrites for @everyone, for all roles
    together, and for the member itself, each taking away before it grants.
    """
    if member is None or channel.guild is None:
        return DIRECT
    guild = member.guild
    if member.user.id == guild.owner_id:
        return EVERYTHING
    granted = guild.everyone.permissions | _union(role.permissions for role in member.roles)
    if granted & Permission.ADMINISTRATOR:
        return EVERYTHING
    everyone = channel.overwrites.get(guild.everyone.id)
    if everyone is not None:
        granted = granted & ~everyone.deny | everyone.allow
    of_roles = [channel.overwrites[role.id] for role in member.roles if role.id in channel.overwrites]
    denied = _union(overwrite.deny for overwrite in of_roles)
    granted = granted & ~denied | _union(overwrite.allow for overwrite in of_roles)
    own = channel.overwrites.get(member.user.id)
    if own is not None:
        granted = granted & ~own.deny | own.allow
    if not granted & Permission.VIEW_CHANNEL:
        return Permission.NONE
    if not granted & Permission.SEND_MESSAGES:
        granted &= ~(Permission.MENTION_EVERYONE | Permission.ATTACH_FILES | Permission.EMBED_LINKS)
    return granted


def _union(several: Iterable[Permission]) -> Permission:
    together = Permission.NONE
    for permissions in several:
        together |= permissions
    return together
