"""
What the live view of a terminal shows, drawn from a monitor's events as they come.
"""

from __future__ import annotations

import io
import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from ip_monitor.cli.picture import Picture
from ip_monitor.cli.terminal import TerminalView
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Failure, FailureKind, Source, Transport
from ip_monitor.domain.ballots import Electorate, tally
from ip_monitor.domain.changes import Change, CurrentAddress
from ip_monitor.domain.checks import Check, Trigger
from ip_monitor.domain.events import (
    AnswerArrived,
    ChangeRecorded,
    CheckFinished,
    CheckStarted,
    ConfirmationStarted,
    NoticeDelivered,
    NoticeFailed,
    SourcesChanged,
    Trouble,
    TroubleOver,
)
from ip_monitor.domain.notices import Notice
from rich.console import Console

AT = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
A, B = ipaddress.ip_address("93.184.216.34"), ipaddress.ip_address("93.184.216.35")
V4 = tuple(Source(name=f"{n} IPv4", operator=n, family=Family.V4, transport=Transport.HTTPS) for n in "abc")
V6 = tuple(Source(name=f"{n} IPv6", operator=n, family=Family.V6, transport=Transport.HTTPS) for n in "ab")
OFFLINE = Failure(kind=FailureKind.UNREACHABLE, detail="no route")


class Scene:
    """
    A view, and a monitor that tells it what happens. `shown()` is the screen as text, some seconds after noon.
    """

    def __init__(self):
        self.picture = Picture(sources=V4)
        self.view = TerminalView(self.picture, title="IP Monitor", note="Ctrl-C stops.")
        self.checks = 0

    def tell(self, event):
        self.picture.observe(event)

    def check(self, *given, previous=None, next_at=None, changes=()):
        """
        A check of all sources, in their order: an address, or a failure.
        """
        answers = [
            Answer(source=source, at=AT, latency_s=0.25, **{"failure" if isinstance(one, Failure) else "address": one})
            for source, one in zip(self.picture.sources, given, strict=True)
        ]
        self.checks += 1
        self.tell(CheckStarted(number=self.checks, trigger=Trigger.SCHEDULE, at=AT))
        for answer in answers:
            self.tell(AnswerArrived(check=self.checks, round=1, answer=answer))
        ballots = []
        for family in Family:
            mine = [one for one in answers if one.source.family is family]
            if mine:
                electorate = Electorate.of([one.source for one in mine], family)
                ballots.append(tally(mine, electorate, previous if family is Family.V4 else None, at=AT))
        check = Check(
            number=self.checks,
            trigger=Trigger.SCHEDULE,
            started_at=AT,
            finished_at=AT,
            ballots=tuple(ballots),
            changes=tuple(changes),
        )
        for change in changes:
            self.tell(ChangeRecorded(change=change))
        self.tell(CheckFinished(check=check, next_at=next_at))

    def shown(self, *, after_s=0.0, colours=None):
        screen = io.StringIO()
        console = Console(file=screen, width=100, color_system=colours, force_terminal=colours is not None)
        console.print(self.view.render(AT + timedelta(seconds=after_s)))
        return screen.getvalue()


@pytest.fixture
def scene():
    return Scene()


def change(address, previous=None):
    return Change(key=f"k {address}", address=address, previous=previous, at=AT, operators=("a", "b", "c"))


def row(shown, begin):
    """
    The one line that begins so, its words apart by one space.
    """
    (line,) = [line for line in shown.splitlines() if line.startswith(begin)]
    return " ".join(line.split())


def test_before_the_first_check_nothing_is_claimed(scene):
    """
    Every provider is there, none has said anything.
    """
    shown = scene.shown()

    assert row(shown, "IPv4") == "IPv4 not known not asked yet"
    assert row(shown, "a ") == "a …"
    assert shown.rstrip().endswith("Ctrl-C stops.")


def test_the_head_tells_what_the_monitor_does(scene):
    """
    It asks, asks a second time, or waits for the next check.
    """
    scene.tell(CheckStarted(number=1, trigger=Trigger.SCHEDULE, at=AT))
    asking = scene.shown()
    scene.tell(ConfirmationStarted(check=1, families=(Family.V4,), pause_s=1.0))
    confirming = scene.shown()
    scene.check(A, A, A, next_at=AT + timedelta(seconds=300))

    assert row(asking, "IP Monitor") == "IP Monitor asking …"
    assert row(confirming, "IP Monitor") == "IP Monitor a new address: asking a second time"
    assert row(scene.shown(after_s=55), "IP Monitor") == "IP Monitor next check in 4:05"


def test_a_known_address_stands_with_its_age_and_who_agrees(scene):
    """
    And each provider's answer with the time that it took.
    """
    scene.check(A, A, Failure(kind=FailureKind.RATE_LIMITED, detail="slow down"), changes=[change(A)])
    shown = scene.shown(after_s=120)

    assert " (2 min)" in row(shown, "IPv4")
    assert row(shown, "IPv4").startswith(f"IPv4 {A} since ")
    assert row(shown, "IPv4").endswith("first, 2 of 3 agree")
    assert row(shown, "a ") == f"a {A} 250 ms"
    assert row(shown, "c ") == "c rate limited 250 ms"
    assert f"first seen {A}" in shown
    assert "3 operators agreed" in shown


def test_a_change_is_listed_from_what_to_what(scene):
    """
    The newest first.
    """
    scene.check(A, A, A, changes=[change(A)])
    scene.check(B, B, B, previous=A, changes=[change(B, previous=A)])
    shown = scene.shown()

    assert "changed, 3 of 3 agree" in row(shown, "IPv4")
    assert shown.index(f"{A} → {B}") < shown.index(f"first seen {A}")


def test_a_family_that_this_line_has_not_is_no_alarm(scene):
    """
    Where the other one is known, no answer over IPv6 says that there is none here.
    """
    scene.tell(SourcesChanged(sources=(*V4, *V6)))
    scene.check(A, A, A, OFFLINE, OFFLINE, changes=[change(A)])
    shown = scene.shown()

    assert row(shown, "IPv6") == "IPv6 not known no IPv6 here"
    assert "offline" not in shown
    assert row(shown, "provider") == "provider IPv4 IPv6"
    assert row(shown, "a ") == f"a {A} 250 ms unreachable 250 ms"
    assert row(shown, "c ") == f"c {A} 250 ms"


def test_an_outage_keeps_the_address_and_says_what_to_do(scene):
    """
    Nothing is lost, and the way to see the product work without internet is named.
    """
    scene.check(A, A, A, changes=[change(A)])
    scene.check(OFFLINE, OFFLINE, OFFLINE, previous=A)
    shown = scene.shown()

    assert row(shown, "IPv4").startswith(f"IPv4 {A} since ")
    assert row(shown, "IPv4").endswith(" offline")
    assert "No provider can be reached: this machine seems to be offline." in shown
    assert "ip-monitor simulate" in shown


def test_an_address_that_nobody_confirmed_just_now_is_no_longer_green(scene):
    """
    Yellow, until a check finds it again.
    """
    green, yellow = f"\x1b[1;32m{A}", f"\x1b[1;33m{A}"
    scene.check(A, A, A, changes=[change(A)])
    known = scene.shown(colours="standard")
    scene.check(OFFLINE, OFFLINE, OFFLINE, previous=A)
    doubtful = scene.shown(colours="standard")

    assert (green in known, yellow in known) == (True, False)
    assert (green in doubtful, yellow in doubtful) == (False, True)


def test_a_dispute_says_why(scene):
    """
    The ballot's reason, under the family that it is about.
    """
    scene.check(A, B, OFFLINE)
    shown = scene.shown()

    assert "disputed" in shown
    assert any(line.startswith("IPv4: ") and line.endswith(".") for line in shown.splitlines())


def test_what_was_not_delivered_and_what_is_wrong_stands_below_until_it_is_over(scene):
    """
    With when it is tried again, and what a person can do.
    """
    notice = Notice(key="k:hook", sink="hook", change=change(A), attempts=1, created_at=AT, due_at=AT)
    lost = Notice(key="k:mail", sink="mail", change=change(A), attempts=9, created_at=AT, due_at=AT)
    scene.tell(NoticeFailed(notice=notice, at=AT, reason="status 500", retry_at=AT + timedelta(seconds=30)))
    scene.tell(NoticeFailed(notice=lost, at=AT, reason="no such mailbox", retry_at=None))
    scene.tell(Trouble(at=AT, topic="storage", what="The disk is full.", remedy="Make room.", count=1))
    scene.picture.warnings.append("the clock jumped")
    told = scene.shown()
    scene.tell(NoticeDelivered(notice=notice, at=AT))
    scene.tell(TroubleOver(at=AT, topic="storage"))
    over = scene.shown()

    assert "! not delivered to hook: status 500 (again in 30 s)" in told
    assert "! not delivered to mail: no such mailbox (given up)" in told
    assert "! The disk is full. Make room." in told
    assert "! the clock jumped" in told
    assert "hook" not in over
    assert "disk" not in over
    assert "! not delivered to mail" in over


def test_a_start_shows_what_storage_knows(scene):
    """
    The address and the last changes, before anybody was asked.
    """
    scene.picture.begin(
        current=[CurrentAddress(address=A, since=AT, seen_at=AT)],
        changes=[change(ipaddress.ip_address(f"93.184.216.{number}")) for number in range(9)],
    )
    shown = scene.shown()

    assert row(shown, "IPv4").endswith("not asked yet")
    assert str(A) in row(shown, "IPv4")
    assert shown.count("first seen") == 5
