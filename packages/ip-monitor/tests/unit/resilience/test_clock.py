"""
The clock of the machine, and moments in UTC.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from ip_monitor.resilience.clock import SystemClock, utc_now


def test_the_systems_clock_shows_both_times_of_the_machine():
    """
    The one that never goes back lies between two readings of it; the other may be set meanwhile, though hardly by a minute.
    """
    clock = SystemClock()
    before = time.monotonic()

    assert before <= clock.monotonic() <= time.monotonic()
    assert abs(clock.time() - time.time()) < 60


def test_a_moment_is_told_in_utc_with_its_microseconds(clock):
    """
    1,700,000,000 seconds after the epoch it was 22:13:20 in Greenwich, on the 14th of November 2023.
    """
    clock.wall += 0.25
    now = utc_now(clock)

    assert now == datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC)
    assert now.utcoffset() == timedelta(0)
