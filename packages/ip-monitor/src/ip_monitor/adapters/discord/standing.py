"""
What somebody may do.
"""

from __future__ import annotations

from enum import IntEnum


class Standing(IntEnum):
    """
    Least first. A stranger is no member of the server that the bot announces in.
    """

    STRANGER = 0
    MEMBER = 1
    ADMINISTRATOR = 2
