"""
Hours in which people want to sleep.
"""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ip_monitor.domain.quiet import QuietHours, QuietHoursRefusedError


def at(text):
    return datetime.fromisoformat(f"2026-01-02T{text}")  # local time has no zone here


@pytest.mark.parametrize(
    ("hours", "now", "remaining_s"),
    [
        ("22:00-07:00", "21:59:59", 0),
        ("22:00-07:00", "22:00:00", 9 * 3600),
        ("22:00-07:00", "00:00:00", 7 * 3600),
        ("22:00-07:00", "06:59:59.500000", 0.5),
        ("22:00-07:00", "07:00:00", 0),
        ("12:30-13:00", "12:45:00", 900),
        ("12:30-13:00", "13:00:00", 0),
    ],
)
def test_it_is_quiet_from_the_begin_to_the_end_also_over_midnight(hours, now, remaining_s):
    """
    The end is not part of it.
    """
    assert QuietHours.parse(hours).remaining_s(at(now)) == remaining_s


@pytest.mark.parametrize(
    "text", ["22-7", "25:00-07:00", "22:00", "22:00-22:00", "22:60-07:00", "a:b-c:d", "22:00-07:00 x"]
)
def test_other_texts_are_refused(text):
    """
    With the form they should have.
    """
    with pytest.raises(QuietHoursRefusedError, match="quiet hours"):
        QuietHours.parse(text)


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 86_399))
def test_hours_read_as_they_are_written_and_end_when_they_say(begin, end, second):
    """
    For every pair of times and every second of a day.
    """
    text = f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    if begin == end:
        return
    hours = QuietHours.parse(f" {text} ")
    left = hours.remaining_s(at(f"{second // 3600:02}:{second % 3600 // 60:02}:{second % 60:02}"))

    assert str(hours) == text
    assert 0 <= left <= (end - begin) % 1440 * 60
    if left:
        assert (second + left) % 86_400 == end * 60


def test_no_text_is_no_hours():
    """
    The default.
    """
    assert QuietHours.parse("  ") is None


def test_the_end_is_no_longer_quiet_and_seconds_count():
    """
    From 22:00 to 07:00: at 07:00 it is over, half a minute before it is not.
    """
    hours = QuietHours.parse("22:00-07:00")

    assert hours.remaining_s(at("07:00")) == 0
    assert hours.remaining_s(at("06:59").replace(second=30)) == 30
    assert hours.remaining_s(at("22:00")) == 9 * 3600
