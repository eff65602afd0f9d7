"""
What a gateway session asks to be told.

Source: Discord developer documentation, Events / Gateway / Gateway Intents.
"""

from __future__ import annotations

from enum import IntFlag


class Intent(IntFlag):
    NONE = 0
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


# Granted in the application's settings, and refused with close code 4014 when they are not.
PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
# Every bit that Discord has given a meaning.
KNOWN = (1 << 17) - 1 | 3 << 20 | 3 << 24
