"""
What holds announcements back: a stopped queue, and somebody's wish for quiet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ip_monitor.domain.quiet import kept_time
from ip_monitor.domain.wording import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

# The names are those of the use cases that keep them.
_STOPPED, _MUTED_UNTIL = "queue_stopped", "muted_until"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingBack:
    """
    Attributes:
        is_stopped: nothing is sent to anybody.
        muted_until: until then nothing is sent to people, UTC; None when nobody muted.
    """

    is_stopped: bool
    muted_until: datetime | None

    @classmethod
    def told_by(cls, state: Mapping[str, str]) -> HoldingBack:
        """
        As the monitor wrote it down; what is no time is taken for none.
        """
        until = kept_time(state.get(_MUTED_UNTIL))
        is_muted = until is not None and until > datetime.now(UTC)
        return cls(is_stopped=_STOPPED in state, muted_until=until if is_muted else None)

    def lines(self) -> list[str]:
        """
        A sentence for each, with what ends it.
        """
        told: list[str] = []
        if self.is_stopped:
            told.append("The queue is stopped; `ip-monitor queue start` sends again.")
        if self.muted_until is not None:
            until = f"{self.muted_until.astimezone():%Y-%m-%d %H:%M:%S}"
            told.append(f"Announcements to people wait until {until}; `ip-monitor notify unmute` sends them.")
        return told

    def as_json(self) -> dict[str, Any]:
        return {
            "is_stopped": self.is_stopped,
            "muted_until": None if self.muted_until is None else stamp(self.muted_until),
        }
