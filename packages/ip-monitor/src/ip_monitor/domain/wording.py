"""
How a change is told in one sentence, the same everywhere.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from ip_monitor.domain.changes import Change

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float) -> str:
    """
    A duration by its two largest units: "3 d 4 h", "12 min 5 s", "0 s".
    """
    rest = max(0, round(seconds))
    parts: list[str] = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 s"


def headline(change: Change) -> str:
    """
    What happened, without who says so.
    """
    if change.is_reminder:
        return f"{change.family.label} address is still {change.address}"
    if change.pool:
        both = " and ".join(str(address) for address in change.pool)
        return f"{change.family.label} address alternates between {both}; it is {change.address} now"
    if change.previous is None:
        return f"{change.family.label} address is {change.address}"
    return f"{change.family.label} address changed from {change.previous} to {change.address}"


def sentence(change: Change) -> str:
    """
    The headline, how long the previous address lasted, and who agreed.
    """
    parts = [headline(change)]
    if change.is_reminder:
        return f"{parts[0]}, since {change.at:%Y-%m-%d %H:%M} UTC"
    if change.previous_lasted_s is not None:
        parts.append(f"the previous one lasted {duration(change.previous_lasted_s)}")
    if change.operators:
        parts.append(f"seen by {', '.join(change.operators)}")
    return "; ".join(parts)


def stamp(at: datetime) -> str:
    """
    RFC 3339 in UTC with microseconds, for programs.
    """
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
