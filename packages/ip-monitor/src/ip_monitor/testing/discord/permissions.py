"""
Discord's permission bits.

Source: Discord developer documentation, Topics / Permissions (bits).
"""

from __future__ import annotations

from enum import IntFlag


class Permission(IntFlag):
    """
    The bits that a bot without voice can meet.
    """

    NONE = 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    USE_EXTERNAL_APPS = 1 << 50
    PIN_MESSAGES = 1 << 51


# What Discord gives @everyone in a new guild, as far as it concerns text.
EVERYONE = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.USE_EXTERNAL_APPS
)
# What both sides of a direct message may do there.
DIRECT = EVERYONE | Permission.MENTION_EVERYONE | Permission.PIN_MESSAGES
EVERYTHING = Permission(-1 & ((1 << 53) - 1))
