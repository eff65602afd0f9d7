"""
How changes, durations and moments read.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from ip_monitor.domain.audit import Actor
from ip_monitor.domain.changes import Change
from ip_monitor.domain.masking import mask_addresses
from ip_monitor.domain.notices import CHANGE_PRIORITY, REMINDER_PRIORITY
from ip_monitor.domain.way_out import WayOut, WayOutRefusedError
from ip_monitor.domain.wording import duration, headline, sentence, stamp

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OLD, NEW = ipaddress.ip_address("93.184.216.34"), ipaddress.ip_address("93.184.216.35")
SIX = ipaddress.ip_address("2606:4700::1111")


def change(**fields):
    return Change(**{"key": "k", "address": NEW, "previous": OLD, "at": AT, **fields})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.4, "0 s"),
        (1, "1 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (3605, "1 h"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (90_061, "1 d 1 h"),
        (86_460, "1 d"),
        (3 * 86_400 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_a_duration_is_told_by_its_two_largest_units(seconds, text):
    """
    Without a gap between them: what is below an empty unit does not matter.
    """
    assert duration(seconds) == text


def test_a_change_says_from_what_to_what_how_long_and_who_says_so():
    """
    One sentence; a first address, a pool and a reminder have their own.
    """
    since = AT - timedelta(minutes=12, seconds=5)
    pool = change(pool=(OLD, NEW))

    assert headline(change()) == f"IPv4 address changed from {OLD} to {NEW}"
    assert headline(change(previous=None)) == f"IPv4 address is {NEW}"
    assert headline(pool) == f"IPv4 address alternates between {OLD} and {NEW}; it is {NEW} now"
    assert sentence(change()) == headline(change())
    assert sentence(change(previous_since=since, operators=("a", "b"))) == (
        f"IPv4 address changed from {OLD} to {NEW}; the previous one lasted 12 min 5 s; seen by a, b"
    )
    assert sentence(change(is_reminder=True)) == f"IPv4 address is still {NEW}, since 2026-01-02 03:04 UTC"
    assert stamp(AT.astimezone(timezone(timedelta(hours=2)))) == "2026-01-02T03:04:05.000000Z"


def test_a_change_knows_whether_it_is_the_first_and_how_long_the_last_address_held():
    """
    Never a negative time, although clocks jump.
    """
    assert (change(previous=None).is_first, change().is_first) == (True, False)
    assert change().previous_lasted_s is None
    assert change(previous_since=AT - timedelta(seconds=9)).previous_lasted_s == 9
    assert change(previous_since=AT + timedelta(seconds=9)).previous_lasted_s == 0
    assert (change().family.label, change(address=SIX, previous=None).family.label) == ("IPv4", "IPv6")
    assert not change().is_reminder


def test_a_change_that_makes_no_sense_is_refused():
    """
    A moment without a zone, and an address of another family.
    """
    with pytest.raises(ValueError, match="without a zone"):
        change(at=AT.replace(tzinfo=None))
    with pytest.raises(ValueError, match="families change apart"):
        change(address=SIX)


def test_changes_go_before_reminders():
    """
    Who waits for a change does not wait behind one that tells nothing new.
    """
    assert CHANGE_PRIORITY > REMINDER_PRIORITY >= 0


def test_a_way_out_is_an_interface_or_an_address():
    """
    White space around it does not count, an empty text is none, and anything else is refused.
    """
    assert WayOut.parse("  ") is None
    assert WayOut.parse(" eth0 ") == WayOut(interface="eth0")
    assert WayOut.parse("192.0.2.7") == WayOut(address=ipaddress.ip_address("192.0.2.7"))
    assert (str(WayOut(interface="eth0")), str(WayOut(address=OLD))) == ("eth0", str(OLD))
    for text in ("a/b", "an interface", "x" * 16, "é"):
        with pytest.raises(WayOutRefusedError, match="name an interface"):
            WayOut.parse(text)


def test_an_actors_name_stays_on_one_line_and_short():
    """
    A hundred characters; nobody's name is somebody.
    """
    assert Actor(name=" a\n b ", via="page").name == "a b"
    assert len(Actor(name="x" * 101, via="page").name) == 100
    assert str(Actor(name="", via="page")) == "somebody (page)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it is 93.184.216.34.", "it is 93.184.x.x."),
        ("2606:4700::1111: seen", "2606:4700:x: seen"),
        ("the net 2606:4700:: is", "the net 2606:4700:x is"),
        ("at 12:30:05", "at 12:30:05"),
    ],
)
def test_addresses_in_a_text_are_masked_and_nothing_else(text, shown):
    """
    Also where a full stop or a colon follows.
    """
    assert mask_addresses(text) == shown
