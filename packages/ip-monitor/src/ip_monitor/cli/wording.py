"""
Times and durations for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def countdown(seconds: float) -> str:
    """
    What is left, as a clock shows it: `45 s`, `4:05`, `1:00:00`.
    """
    rest = max(0, round(seconds))
    if rest < 60:
        return f"{rest} s"
    hours, rest = divmod(rest, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def moment(at: datetime, *, now: datetime) -> str:
    """
    Local time: the clock alone within the same day, with the date before it otherwise.
    """
    local, today = at.astimezone(), now.astimezone()
    return f"{local:%H:%M:%S}" if local.date() == today.date() else f"{local:%Y-%m-%d %H:%M}"
