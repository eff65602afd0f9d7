"""
When the next check is due.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    import random

# 2 ** 32 seconds are more than any interval; beyond it the power would only overflow.
_LARGEST_EXPONENT = 32


class ScheduleRefusedError(IPMonitorError, ValueError):
    """
    A time of the schedule that cannot be used.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """
    Attributes:
        interval_s: from the start of a check to the start of the next while the address is known, seconds, above 0.
        retry_s: the same after a check that ended without a known address; doubles with each in a row, up to the
            interval.
        confirm_pause_s: between the panel that sees a new address and the one that confirms it, seconds, 0 or more.
        jitter: by up to which share an interval is shortened at random, 0 to 0.5, so that many monitors that started
            together do not ask together. It never lengthens one: how long a change may go unseen stays bounded.
    """

    interval_s: float = 300.0
    retry_s: float = 10.0
    confirm_pause_s: float = 2.0
    jitter: float = 0.05

    def __post_init__(self) -> None:
        for name, value, least in (
            ("interval_s", self.interval_s, 0.0),
            ("retry_s", self.retry_s, 0.0),
            ("confirm_pause_s", self.confirm_pause_s, -1.0),
        ):
            if not math.isfinite(value) or value <= least or value < 0:
                raise ScheduleRefusedError(f"{name} is {value}; give it a number of seconds above {max(least, 0):g}")
        if not 0 <= self.jitter <= 0.5:
            raise ScheduleRefusedError(f"jitter is {self.jitter}; give it a share from 0 to 0.5")

    def delay_s(
        self, unsettled: int, rng: random.Random, *, interval_factor: float = 1.0, retry_factor: float = 1.0
    ) -> float:
        """
        Seconds from the start of a check to the start of the next one.

        Args:
            unsettled: how many checks in a row, this one included, ended without a settled address; 0 after a
                settled one.
            rng: shortens the interval.
            interval_factor: of the interval after a settled check, 1 or more.
            retry_factor: of the pauses after the others, which never get longer than the interval, 1 or more.
        """
        base = self.interval_s * interval_factor
        if unsettled > 0:
            base = min(self.interval_s, self.retry_s * retry_factor * 2.0 ** min(unsettled - 1, _LARGEST_EXPONENT))
        return base * (1 - self.jitter * rng.random())
