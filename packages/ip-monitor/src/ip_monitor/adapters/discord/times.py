"""
Moments as Discord shows them: each reader in their own time zone and language.

Source: Discord's documentation, "Message Formatting", "Timestamp Styles".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def absolute(at: datetime) -> str:
    return f"<t:{int(at.timestamp())}:F>"


def relative(at: datetime) -> str:
    return f"<t:{int(at.timestamp())}:R>"


def both(at: datetime) -> str:
    return f"{absolute(at)} ({relative(at)})"
