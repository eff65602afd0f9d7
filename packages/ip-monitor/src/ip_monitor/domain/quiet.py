"""
Hours in which people want to sleep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ip_monitor.errors import IPMonitorError

_FORM = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)")
_DAY_S = 86_400


class QuietHoursRefusedError(IPMonitorError, ValueError):
    """
    A text that tells no quiet hours.
    """


def kept_time(text: str | None) -> datetime | None:
    """
    The time at which a muting ends as the database keeps it, in seconds since the epoch; UTC. None for what is no time.
    """
    try:
        return None if text is None else datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """
    From `begin_s` to `end_s`, seconds since midnight, local time; over midnight when the end is the earlier one.
    """

    begin_s: int
    end_s: int

    @classmethod
    def parse(cls, text: str) -> QuietHours | None:
        """
        `22:00-07:00` as hours; None for an empty text.

        Raises:
            QuietHoursRefusedError: of another form, or an hour that begins when it ends.
        """
        if not text.strip():
            return None
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise QuietHoursRefusedError(f"quiet hours are {text[:40]!r}; write them as 22:00-07:00.")
        hours = [int(group) for group in match.groups()]
        begin_s, end_s = hours[0] * 3600 + hours[1] * 60, hours[2] * 3600 + hours[3] * 60
        if begin_s == end_s:
            raise QuietHoursRefusedError(f"quiet hours {text!r} begin when they end; leave them out, or mute instead.")
        return cls(begin_s, end_s)

    def remaining_s(self, now: datetime) -> float:
        """
        How long it is still quiet at `now`, local time, seconds; 0 when it is not.
        """
        second = now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6
        if (second - self.begin_s) % _DAY_S >= (self.end_s - self.begin_s) % _DAY_S:
            return 0.0
        return (self.end_s - second) % _DAY_S

    def __str__(self) -> str:
        return "-".join(f"{second // 3600:02}:{second % 3600 // 60:02}" for second in (self.begin_s, self.end_s))
