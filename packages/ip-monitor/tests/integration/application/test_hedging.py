"""
Asking no more operators than needed, and one more whenever those do not suffice.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime

from ip_monitor.application.guarding import SourceBreakers
from ip_monitor.application.panel import HEDGE_S, Panel
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Failure, FailureKind
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.resilience.circuit_breaker import BreakerState

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

A, B = "93.184.216.34", "93.184.216.35"


async def known(monitor, clock):
    """
    Let the first address be found and confirmed.
    """
    task = asyncio.create_task(monitor.check())
    await clock.slept(2.0)
    await task


def kinds(check):
    return {a.source.name: a.failure and a.failure.kind for a in check.ballots[0].answers}


async def test_no_more_operators_are_asked_than_can_decide(build, scripted, clock):
    """
    Three of five; the others are on record as not asked, and their silence is nobody's failure.
    """
    sources = [scripted(name, A) for name in "abcde"]
    monitor = build(sources, hedge_s=HEDGE_S)
    await known(monitor, clock)
    before = sum(source.asked for source in sources)

    check = await monitor.check()

    assert sum(source.asked for source in sources) - before == 3
    assert (check.kind, len(check.ballots[0].answers)) == (VerdictKind.STABLE, 5)
    assert Counter(kinds(check).values()) == {None: 3, FailureKind.NOT_ASKED: 2}


async def test_operators_take_turns(build, scripted, clock):
    """
    So that each is watched, and none is asked more than the others.
    """
    sources = [scripted(name, A) for name in "abcde"]
    monitor = build(sources, hedge_s=HEDGE_S)
    await known(monitor, clock)

    for _ in range(3):
        await monitor.check()

    assert [source.asked for source in sources] == [3] * 5


async def test_higher_priority_is_asked_first(scripted, clock):
    """
    Turns are taken only among equals.
    """
    low, high = [scripted(name, A) for name in "ab"], [scripted(name, A) for name in "cd"]
    panel = Panel([], clock=clock)
    panel.replace([*((0, one) for one in low), *((5, one) for one in high)])
    orders = []
    for _ in range(2):
        answers = await panel.ask([Family.V4], on_answer=lambda _: None)
        orders.append("".join(answer.source.name for answer in answers))

    assert orders == ["cdab", "dcba"]


async def test_a_slow_operator_is_not_waited_for(build, scripted, clock):
    """
    After 250 ms one more is asked, and the panel is decided long before its deadline.
    """
    sources = [scripted("hung", "hang"), *(scripted(name, A) for name in "abcd")]
    monitor = build(sources, hedge_s=HEDGE_S)
    began = clock.now
    before = asyncio.all_tasks()
    task = asyncio.create_task(monitor.check())
    await clock.slept(0.25)
    await clock.slept(2.0)
    check = await task

    assert str(check.changes[0].address) == A
    assert clock.now - began == 2.25
    assert kinds(check)["hung"] is FailureKind.NOT_ASKED
    assert before == asyncio.all_tasks()


async def test_who_fails_or_contradicts_is_replaced_at_once(build, scripted, clock):
    """
    Without a pause: the rest can no longer decide alone.
    """
    sources = [scripted("dead", FailureKind.UNREACHABLE), scripted("liar", B), *(scripted(name, A) for name in "abc")]
    monitor = build(sources, hedge_s=HEDGE_S)
    began = clock.now
    await known(monitor, clock)

    assert clock.now - began == 2.0
    assert [source.asked for source in sources[2:]] == [2, 2, 2]


async def test_silence_is_decided_by_the_deadline_of_the_whole_panel(build, scripted, clock):
    """
    Everybody was asked by then, and who was asked last does not get its own five seconds.
    """
    sources = [scripted(name, "hang") for name in "abcde"]
    began = clock.now
    task = asyncio.create_task(build(sources, hedge_s=HEDGE_S).check())
    await clock.slept(0.25)
    await clock.slept(0.25)
    for _ in range(10):
        await asyncio.sleep(0)
    assert [source.asked for source in sources] == [1] * 5
    await clock.slept(4.5)
    check = await task

    assert (check.kind, clock.now - began) == (VerdictKind.OFFLINE, 5.0)
    assert set(kinds(check).values()) == {FailureKind.TIMEOUT}


async def test_an_operator_votes_when_all_of_its_sources_have_answered(build, scripted, clock):
    """
    A second source could contradict the first: until it has answered the operator decides nothing.
    """
    twice = [scripted("a1", A, operator="a"), scripted("a2", "hang", operator="a")]
    sources = [*twice, scripted("b", A), scripted("c", A)]
    task = asyncio.create_task(build(sources, hedge_s=HEDGE_S).check())
    await clock.until_sleeping(0.25)

    assert [source.asked for source in sources] == [1, 1, 1, 0]
    await clock.slept(0.25)
    await clock.slept(2.0)
    assert str((await task).changes[0].address) == A


async def test_one_family_does_not_wait_for_the_other(build, scripted, clock):
    """
    IPv6 hangs until the deadline; IPv4 asks nobody more than it needs meanwhile.
    """
    v4 = [scripted(name, A) for name in "abcde"]
    v6 = [scripted(f"{name}6", "hang", family=Family.V6, operator=name) for name in "abcde"]
    task = asyncio.create_task(build([*v4, *v6], hedge_s=HEDGE_S).check())
    await clock.slept(0.25)
    await clock.slept(0.25)
    await clock.slept(4.5)
    await clock.slept(2.0)
    check = await task

    assert [ballot.verdict.kind for ballot in check.ballots] == [VerdictKind.FIRST, VerdictKind.OFFLINE]
    assert sum(source.asked for source in v4) == 6


async def test_a_source_that_keeps_failing_is_left_alone_while_others_decide(build, scripted, clock):
    """
    After three panels in which others answered it is asked last, which is never, until its time of rest is over.
    """
    guard = SourceBreakers(clock=clock, rng=random.Random(1))
    sources = [scripted("dead", FailureKind.UNREACHABLE), *(scripted(name, A) for name in "abcd")]
    monitor = build(sources, hedge_s=HEDGE_S, guard=guard)
    await known(monitor, clock)
    for _ in range(20):
        await monitor.check()
    resting = sources[0].asked
    clock.advance(360)
    for _ in range(5):
        await monitor.check()

    assert resting == 3
    assert sources[0].asked == 4
    (statistics,) = [one for one in guard.statistics() if one.name == "dead"]
    assert (statistics.state, statistics.openings) == (BreakerState.OPEN, 2)


async def test_a_source_left_alone_is_asked_when_the_others_cannot_decide(build, scripted, clock):
    """
    Its weight counts in any case, so resting must not cost a decision.
    """
    guard = SourceBreakers(clock=clock, rng=random.Random(1))
    sources = [scripted(name, A) for name in "abcde"]
    monitor = build(sources, hedge_s=HEDGE_S, guard=guard)
    await known(monitor, clock)
    for source in sources[:2]:
        source.says = FailureKind.STATUS
    for _ in range(6):
        await monitor.check()
    assert all(guard.is_rested(source.source) for source in sources[:2])
    for source in sources[2:]:
        source.says = FailureKind.TIMEOUT
    sources[4].says = B
    for source in sources[:2]:
        source.says = B

    check = asyncio.create_task(monitor.check())
    await clock.slept(2.0)

    assert str((await check).changes[0].address) == B
    assert not guard.is_rested(sources[0].source)


async def test_an_outage_is_nobodys_fault(build, scripted, clock):
    """
    When nobody answers no breaker counts it, and with the first check after it everybody is asked again.
    """
    guard = SourceBreakers(clock=clock)
    sources = [scripted(name, FailureKind.UNREACHABLE) for name in "abc"]
    monitor = build(sources, hedge_s=HEDGE_S, guard=guard)
    for _ in range(10):
        await monitor.check()

    assert guard.statistics() == ()


async def test_a_source_that_asks_for_patience_gets_it_over_a_restart(scripted, clock):
    """
    Retry-After opens its breaker at once, for as long as it says, and the record outlives the process.
    """
    guard = SourceBreakers(clock=clock, rng=random.Random(1))
    source = scripted("busy").source
    failure = Failure(kind=FailureKind.RATE_LIMITED, detail="429", retry_after_s=1800.0)
    busy = Answer(source=source, at=START, latency_s=0.1, failure=failure)
    guard.settle([busy, await scripted("a", A).ask()])
    later = SourceBreakers(clock=clock)
    later.restore(guard.records())
    clock.advance(1700)

    assert guard.is_rested(source)
    assert later.is_rested(source)
    clock.advance(400)
    assert not later.is_rested(source)
