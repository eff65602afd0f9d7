"""
The lines of a log: one for each event that is news, at the level that it deserves.
"""

from __future__ import annotations

import io
import ipaddress
import json
import re
import sys
from datetime import UTC, datetime

import pytest
from ip_monitor.cli.log_lines import OFFLINE_HINT, LogLines, logger
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Failure, FailureKind, Source, Transport
from ip_monitor.domain.ballots import Electorate, tally
from ip_monitor.domain.changes import Change
from ip_monitor.domain.checks import Check, Trigger
from ip_monitor.domain.events import (
    AnswerArrived,
    ChangeRecorded,
    CheckFinished,
    CheckStarted,
    ConfirmationStarted,
    HostPartReplaced,
    NoticeDelivered,
    NoticeFailed,
    SourcesChanged,
    Trouble,
    TroubleOver,
)
from ip_monitor.domain.notices import Notice

AT = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
A, B = ipaddress.ip_address("93.184.216.34"), ipaddress.ip_address("93.184.216.35")
SOURCES = tuple(Source(name=f"{n} IPv4", operator=n, family=Family.V4, transport=Transport.HTTPS) for n in "abc")
OFFLINE = Failure(kind=FailureKind.UNREACHABLE, detail="no\nroute")
CHANGE = Change(key="k", address=B, previous=A, at=AT)


def ballot(given, *, previous=A):
    """
    All operators give the same answer.
    """
    told = {"failure" if isinstance(given, Failure) else "address": given}
    answers = [Answer(source=source, at=AT, latency_s=0.25, **told) for source in SOURCES]
    return tally(answers, Electorate.of(SOURCES, Family.V4), previous, at=AT)


def finished(given, *, unconfirmed=(), next_at=None):
    check = Check(
        number=1,
        trigger=Trigger.SCHEDULE,
        started_at=AT,
        finished_at=AT,
        ballots=(ballot(given),),
        unconfirmed=unconfirmed,
    )
    return CheckFinished(check=check, next_at=next_at)


def notice(sink):
    return Notice(key=f"k:{sink}", sink=sink, change=CHANGE, attempts=0, created_at=AT, due_at=AT)


@pytest.fixture
def log():
    """
    Tells events to a log of a style and level, and gives its lines.
    """

    def tell(*events, style="text", level="debug"):
        file = io.StringIO()
        lines = LogLines(logger(style=style, level=level, file=file))
        for event in events:
            lines.observe(event)
        return file.getvalue().splitlines()

    return tell


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (CheckStarted(number=1, trigger=Trigger.SCHEDULE, at=AT), "debug   asking  check=1  trigger=schedule"),
        (
            AnswerArrived(check=1, round=1, answer=ballot(OFFLINE).answers[0]),
            'debug   answer  source="a IPv4"  said="unreachable: no route"  latency_s=0.25',
        ),
        (
            AnswerArrived(check=1, round=1, answer=ballot(A).answers[1]),
            'debug   answer  source="b IPv4"  said=93.184.216.34  latency_s=0.25',
        ),
        (
            ConfirmationStarted(check=1, families=(Family.V4, Family.V6), pause_s=2.0),
            "info    a new address, asking a second time  family=IPv4,IPv6  pause_s=2.0",
        ),
        (ChangeRecorded(change=CHANGE), "debug   recorded  change=k"),
        (
            HostPartReplaced(ballot=ballot(B)),
            "info    another host part in the same prefix  address=93.184.216.35  before=93.184.216.34",
        ),
        (NoticeDelivered(notice=notice("log"), at=AT), "debug   delivered  sink=log  address=93.184.216.35"),
        (NoticeDelivered(notice=notice("mail"), at=AT), "info    delivered  sink=mail  address=93.184.216.35"),
        (
            NoticeFailed(notice=notice("mail"), at=AT, reason="refused", retry_at=None),
            "error   not delivered, given up  sink=mail  why=refused",
        ),
        (
            NoticeFailed(notice=notice("mail"), at=AT, reason="down", retry_at=AT),
            "warning not delivered, will be tried again  sink=mail  why=down  at=2026-01-02T12:00:00.000000Z",
        ),
        (
            Trouble(at=AT, topic="storage", what="the disk is full", remedy="make room"),
            'error   the disk is full  topic=storage  remedy="make room"  in_a_row=1',
        ),
        (
            Trouble(at=AT, topic="storage", what="the disk is full", count=2),
            "debug   the disk is full  topic=storage  in_a_row=2",
        ),
        (TroubleOver(at=AT, topic="storage"), "info    works again  topic=storage"),
        (SourcesChanged(sources=SOURCES[:2]), 'info    asking from now on  sources="a IPv4, b IPv4"'),
    ],
)
def test_each_event_is_one_line(log, event, line):
    """
    With its level and its facts; a line break from outside makes no second one.
    """
    [shown] = log(event)

    assert shown.partition(" ")[2] == line


def test_a_verdict_is_news_once(log):
    """
    An address that stays is told when it is first seen, being offline when it begins, with what to do about it.
    """
    told = log(finished(A), finished(A), finished(OFFLINE), finished(OFFLINE), finished(A), level="info")

    assert [re.sub(r"^\S+ (\w+) +", r"\1 ", line).partition("  ")[0] for line in told] == [
        "info stable",
        "warning offline",
        f"warning {OFFLINE_HINT}",
        "info stable",
    ]


def test_a_check_tells_what_was_not_confirmed_and_when_the_next_one_is(log):
    """
    The former for people, the latter for who looks closely.
    """
    told = log(finished(A, unconfirmed=(Family.V4,), next_at=AT))

    assert [line.partition(" ")[2] for line in told[1:]] == [
        "info    a new address was seen once and not confirmed  family=IPv4",
        "debug   next check  at=2026-01-02T12:00:00.000000Z",
    ]


@pytest.mark.parametrize("is_there", [True, False], ids=["imported", "not imported"])
def test_json_is_one_object_a_line_and_rich_is_left_as_it_was(log, monkeypatch, is_there):
    """
    For programs; the library for terminals is not taken in for that, and not lost where it was.
    """
    import rich

    if not is_there:
        monkeypatch.delitem(sys.modules, "rich")
    [line] = log(SourcesChanged(sources=SOURCES[:1]), style="json")
    told = json.loads(line)

    assert (told["event"], told["level"], told["sources"]) == ("asking from now on", "info", "a IPv4")
    assert sys.modules.get("rich") is (rich if is_there else None)
