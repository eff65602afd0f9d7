"""
How a try is told: each event in its lane, in the order in which things began.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hermetic.foundation import Finding, Owner
from hermetic.guard.deadlines.events import DeadlinePassed, HangEnded, HangStep
from hermetic.guard.events import FindingMended, FindingReported
from hermetic.guard.reached import DatabaseOpened, OutsideReached
from hermetic.record.events import (
    Checkpoint,
    FixtureSetUp,
    FixtureTornDown,
    LogWritten,
    OperationBegan,
    OperationEnded,
    PhaseEnded,
    ResourcesSampled,
    StateChanged,
    TaskEnded,
    TaskFailed,
    TestBegan,
    TestRetried,
    WarningIssued,
)
from hermetic.record.failure import Failure, FailureFrame
from hermetic.record.report.story import story
from hermetic.record.run.model import Phase, Try
from hermetic.world.http.decisions import Decided, ExchangeEnded, ServerChanged

TEST = "test_a.py::test_it"
LEAK = Finding(
    category="leak",
    kind="socket",
    title="Socket left open",
    subject="127.0.0.1:1",
    owner=Owner(kind="test", name=TEST),
)
EXCHANGE = {
    "at_s": 5.0,
    "server": "shop",
    "route": "GET /",
    "who": "bot",
    "nth": 1,
    "method": "GET",
    "target": "/price",
    "refused_by": None,
    "received_bytes": 1,
    "sent_bytes": 2,
    "close": "",
    "planned_s": 0.0,
    "first_byte_s": 0.1,
}
LOST = Failure(type="ValueError", message="no")
LATE = DeadlinePassed(
    at_s=5.0,
    test=TEST,
    phase="call",
    budget_s=2.5,
    elapsed_s=2.6,
    source="ini",
    waiting_at="a.py:3",
    is_deadlock=False,
    text="",
)
LANES = [
    (FixtureSetUp(at_s=5.0, fixture="db", scope="module", duration_s=0.5), "fixtures", "db (module)", 0.5),
    (FixtureTornDown(at_s=5.0, fixture="db", scope="module", duration_s=0.5), "fixtures", "db torn down", 0.5),
    (
        ExchangeEnded(**EXCHANGE, outcome="answered", status=503, fault="overload", ended_s=0.25),
        "requests",
        "GET /price → 503, fault overload",
        0.25,
    ),
    (
        ExchangeEnded(**EXCHANGE, outcome="reset", status=None, fault=None, ended_s=0.25),
        "requests",
        "GET /price → reset",
        0.25,
    ),
    (
        Decided(
            at_s=5.0,
            server="shop",
            route="GET /",
            who="bot",
            nth=1,
            purpose="fault",
            asked="bernoulli",
            outcome=True,
        ),
        "servers",
        "shop GET /: fault bernoulli came to True",
        0.0,
    ),
    (ServerChanged(at_s=5.0, server="shop", change="stopped"), "servers", "shop stopped", 0.0),
    (
        OperationEnded(at_s=5.0, name="buy", number=1, outcome="timed out", duration_s=1.0, waited_at="a.py:3"),
        "operations",
        "buy timed out, waiting at a.py:3",
        1.0,
    ),
    (
        OperationEnded(at_s=5.0, name="buy", number=1, outcome="done", duration_s=1.0),
        "operations",
        "buy done",
        1.0,
    ),
    (
        TaskEnded(at_s=5.0, task="Task-1", coroutine="pay", outcome="cancelled", duration_s=2.0),
        "tasks",
        "pay cancelled (Task-1)",
        2.0,
    ),
    (
        TaskFailed(at_s=5.0, task="Task-1", failure=LOST),
        "tasks",
        "Task-1 failed with ValueError and nobody waited for it",
        0.0,
    ),
    (LogWritten(at_s=5.0, logger="shop", level="INFO", message="sold"), "log", "INFO shop: sold", 0.0),
    (Checkpoint(at_s=5.0, name="paid", data={"amount": 3}), "checkpoints", "paid amount=3", 0.0),
    (Checkpoint(at_s=5.0, name="paid"), "checkpoints", "paid", 0.0),
    (
        StateChanged(at_s=5.0, service="shop", attribute="open", before="True", after="False"),
        "state",
        "shop.open: True → False",
        0.0,
    ),
    (
        FindingReported(at_s=5.0, test=TEST, level="error", finding=LEAK),
        "findings",
        "error: Socket left open: 127.0.0.1:1",
        0.0,
    ),
    (
        FindingMended(at_s=5.0, test=TEST, finding_kind="socket", done="closed", is_mended=True),
        "findings",
        "socket: closed",
        0.0,
    ),
    (
        LATE,
        "deadlines",
        "call passed its 2.5 s, waiting at a.py:3",
        0.0,
    ),
    (HangStep(at_s=5.0, test=TEST, phase="call", step="cancelled"), "deadlines", "call is cancelled", 0.0),
    (
        HangEnded(at_s=5.0, test=TEST, phase="call", ended_by="cancelling its task", is_responsive=True),
        "deadlines",
        "call was ended: cancelling its task",
        0.0,
    ),
    (
        OutsideReached(at_s=5.0, host="example.net", port=443, means="connect"),
        "network",
        "connect example.net:443",
        0.0,
    ),
    (OutsideReached(at_s=5.0, host="example.net", port=0, means="resolve"), "network", "resolve example.net", 0.0),
    (DatabaseOpened(at_s=5.0, database="a.db"), "databases", "opened a.db", 0.0),
    (TestRetried(at_s=5.0, test=TEST, attempt=1), "retries", "try 1 failed; tried again", 0.0),
    (
        WarningIssued(at_s=5.0, test=TEST, category="UserWarning", message="m", file="a.py", line=1),
        "events",
        "warning",
        0.0,
    ),
]
UNTOLD = [
    TestBegan(at_s=0.0, test=TEST),
    PhaseEnded(at_s=0.0, test=TEST, phase="call", outcome="passed", duration_s=0.1),
    OperationBegan(at_s=0.0, name="buy", number=1),
]


def told(*events, **more):
    return story(Try(outcome="failed", began_s=0.0, duration_s=1.0, worker="main", events=events, **more))


@pytest.mark.parametrize(
    ("event", "lane", "label", "took_s"), LANES, ids=[f"{lane}: {label}" for _, lane, label, _ in LANES]
)
def test_each_event_has_its_lane_and_begins_before_it_ended(event, lane, label, took_s):
    """
    What took time is told from its beginning.
    """
    assert told((5.0, event))["events"] == [
        {"at_s": 5.0 - took_s, "took_s": took_s, "lane": lane, "label": label, "kind": event.kind}
    ]


def test_what_another_event_says_better_is_not_told():
    """
    And what is told stands in the order in which it began.
    """
    late, early = LANES[-2][0], LANES[8][0]

    shown = told(*((5.0, event) for event in (late, *UNTOLD, early)))

    assert [event["lane"] for event in shown["events"]] == ["tasks", "retries"]


def test_of_many_events_the_first_and_the_last_are_told():
    """
    With how many are left out.
    """
    shown = told(*((float(number), LANES[-2][0]) for number in range(310)))

    assert [event["at_s"] for event in shown["events"]] == [*map(float, range(150)), *map(float, range(160, 310))]
    assert shown["events_left_out"] == 10


def test_what_was_waited_for_the_failure_and_the_curves_are_told_where_there_are_some():
    """
    Of the frames only the project's own; of many samples every second.
    """
    own = FailureFrame(file="a.py", line=3, function="buy", source="pay()", is_own=True)
    cause = Failure(type="OSError", message="gone")
    failure = Failure(
        type="ValueError",
        message="no",
        nature="error",
        cause=cause,
        frames=(FailureFrame(file="lib.py", line=1, function="f"), own),
        tasks=("Task-1",),
    )
    phase = Phase(
        name="call", outcome="failed", began_s=0.0, duration_s=1.0, failure=failure, output=(("stdout", "hello"),)
    )
    passed = replace(LATE, text="threads:\n  main")
    samples = [
        (float(number), ResourcesSampled(at_s=0.0, memory_bytes=number, descriptors=3, threads=1))
        for number in range(400)
    ]

    shown, bare = told((5.0, passed), *samples, phases=(phase,)), told(samples[0])

    assert shown["waits"] == ["threads:\n  main"]
    assert [one["type"] for one in shown["failure"]] == ["ValueError", "OSError"]
    assert [frame["file"] for frame in shown["failure"][0]["frames"]] == ["a.py"]
    assert (shown["nature"], shown["alive"]) == ("error", ("Task-1",))
    assert shown["output"] == [{"title": "stdout", "text": "hello"}]
    assert [sample[0] for sample in shown["samples"]] == [*map(float, range(0, 400, 2))]
    assert bare.keys() == {"phases", "events", "events_left_out", "output"}
