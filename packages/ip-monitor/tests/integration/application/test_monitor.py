"""
The loop on a real SQLite file.
"""

from __future__ import annotations

import asyncio
import ipaddress
from datetime import timedelta

import pytest
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import FailureKind
from ip_monitor.domain.checks import Trigger
from ip_monitor.domain.events import (
    AnswerArrived,
    ChangeRecorded,
    CheckFinished,
    CheckStarted,
    ConfirmationStarted,
    Trouble,
    TroubleOver,
)
from ip_monitor.domain.verdicts import VerdictKind

A, B, C = "93.184.216.34", "93.184.216.35", "93.184.216.36"


class Unwilling:
    """
    Storage that cannot do one thing while `broken`, and is the real one otherwise.
    """

    def __init__(self, storage, method):
        self._storage = storage
        self._method = method
        self.broken = True

    def __getattr__(self, name):
        if name == self._method and self.broken:
            raise StorageUnavailableError("ip.sqlite3: database or disk is full. Free some space.")
        return getattr(self._storage, name)


async def checked(monitor, clock, *pauses, trigger=Trigger.REQUEST):
    """
    Run one check, letting the confirmation pauses pass.
    """
    task = asyncio.create_task(monitor.check(trigger))
    for pause in pauses:
        await clock.slept(pause)
    return await task


async def test_the_first_address_is_confirmed_and_written(build, scripted, clock, storage, events):
    """
    The panel is asked twice; then the address, its ballots and its history are on disk.
    """
    monitor = build([scripted(name, A) for name in "abc"])

    check = await checked(monitor, clock, 2.0)

    assert VerdictKind.FIRST is check.kind
    assert str(await storage.load_last_ip(Family.V4)) == A
    assert len(await storage.ballots_of(check.changes[0].key)) == 2
    kinds = [type(event) for event in events.all]
    assert [CheckStarted, *[AnswerArrived] * 3, ConfirmationStarted] == kinds[:5]
    assert [ChangeRecorded, CheckFinished] == kinds[-2:]


async def test_a_stable_address_writes_no_change(build, scripted, clock, storage):
    """
    The ballot is kept, the history does not grow, and nobody is asked twice.
    """
    sources = [scripted(name, A) for name in "abc"]
    monitor = build(sources)
    await checked(monitor, clock, 2.0)

    check = await checked(monitor, clock)

    assert VerdictKind.STABLE is check.kind
    assert len(await storage.get_ip_history()) == 1
    assert [source.asked for source in sources] == [3, 3, 3]


async def test_a_change_knows_what_was_before_and_for_how_long(build, scripted, clock, storage):
    """
    Old, new, since when, and who agreed.
    """
    sources = [scripted(name, A) for name in "abc"]
    monitor = build(sources)
    await checked(monitor, clock, 2.0)
    clock.advance(3600)
    for source in sources:
        source.says = B

    check = await checked(monitor, clock, 2.0)

    (change,) = check.changes
    assert (str(change.previous), str(change.address), change.previous_lasted_s) == (A, B, 3602.0)
    assert change.operators == ("a", "b", "c")
    assert [change.key] == [item.key for item in await storage.get_ip_history(limit=1)]


async def test_a_change_that_the_second_panel_does_not_see_is_none(build, scripted, clock, storage, events):
    """
    A short disturbance is not announced.
    """
    sources = [scripted(name, A) for name in "abc"]
    monitor = build(sources)
    await checked(monitor, clock, 2.0)
    for source in sources:
        source.says = [B, A]

    check = await checked(monitor, clock, 2.0)

    assert (check.kind, check.changes, check.unconfirmed) == (VerdictKind.STABLE, (), (Family.V4,))
    assert len(await storage.get_ip_history()) == 1


async def test_two_different_new_addresses_are_asked_about_once_more(build, scripted, clock):
    """
    A line that is just coming up may show one address on the way; the one seen twice counts.
    """
    monitor = build([scripted(name, [A, B, B]) for name in "abc"])

    check = await checked(monitor, clock, 2.0, 2.0)

    assert str(check.changes[0].address) == B


async def test_addresses_that_never_agree_are_not_written(build, scripted, clock, storage):
    """
    After three rounds without two that agree there is no change.
    """
    monitor = build([scripted(name, [A, B, C]) for name in "abc"])

    check = await checked(monitor, clock, 2.0, 2.0)

    assert (check.changes, check.unconfirmed) == ((), (Family.V4,))
    assert await storage.load_last_ip(Family.V4) is None


async def test_one_liar_among_three_changes_nothing(build, scripted, clock, storage):
    """
    The single liar is outvoted in every panel.
    """
    sources = [scripted("liar", B), scripted("b", A), scripted("c", A)]
    monitor = build(sources)
    await checked(monitor, clock, 2.0)

    for _ in range(5):
        check = await checked(monitor, clock)
        assert VerdictKind.STABLE is check.kind

    assert [str(item.address) for item in await storage.get_ip_history()] == [A]


async def test_an_outage_is_not_a_change_and_the_return_is_stable(build, scripted, clock, storage):
    """
    Nobody answers: offline. Everybody answers as before: stable, and nothing was announced.
    """
    sources = [scripted(name, A) for name in "abc"]
    monitor = build(sources)
    await checked(monitor, clock, 2.0)
    for source in sources:
        source.says = FailureKind.UNREACHABLE
    outage = await checked(monitor, clock)
    for source in sources:
        source.says = A
    back = await checked(monitor, clock)

    assert (outage.kind, back.kind) == (VerdictKind.OFFLINE, VerdictKind.STABLE)
    assert len(await storage.get_ip_history()) == 1


async def test_one_failing_family_is_no_change_to_the_other(build, scripted, clock, storage):
    """
    IPv4 failing while IPv6 answers changes neither.
    """
    v6 = "2606:4700::1111"
    v4 = [scripted(name, A) for name in "abc"]
    monitor = build([*v4, *(scripted(f"{name}6", v6, family=Family.V6, operator=name) for name in "abc")])
    await checked(monitor, clock, 2.0)
    for source in v4:
        source.says = FailureKind.TIMEOUT

    check = await checked(monitor, clock)

    assert [ballot.verdict.kind for ballot in check.ballots] == [VerdictKind.OFFLINE, VerdictKind.STABLE]
    assert len(await storage.get_ip_history()) == 2
    assert ipaddress.ip_address(A) == await storage.load_last_ip(Family.V4)


async def test_a_hanging_source_is_silent_at_the_panels_deadline(build, scripted, clock):
    """
    Five seconds for the whole panel, whatever one source does.
    """
    monitor = build([scripted("a", A), scripted("b", A), scripted("hung", "hang")])

    check = await checked(monitor, clock, 5.0, 2.0, 5.0)

    assert VerdictKind.FIRST is check.kind
    hung = next(answer for answer in check.ballots[0].answers if answer.source.name == "hung")
    assert (hung.failure.kind, hung.latency_s) == (FailureKind.TIMEOUT, 5.0)


@pytest.mark.parametrize("defect", [ZeroDivisionError("boom"), asyncio.CancelledError(), StopAsyncIteration()])
async def test_a_defect_in_a_source_is_an_answer(build, scripted, clock, defect):
    """
    A source that raises, even one that cancels itself, does not end the panel.
    """
    monitor = build([scripted("a", A), scripted("b", A), scripted("defect", defect)])

    check = await checked(monitor, clock, 2.0)

    assert VerdictKind.FIRST is check.kind
    broken = next(answer for answer in check.ballots[0].answers if answer.source.name == "defect")
    assert FailureKind.INTERNAL is broken.failure.kind


async def test_fifty_concurrent_checks_are_one_panel(build, scripted, clock):
    """
    50 of 50 succeed with the same result, and every source is asked as for one check.
    """
    sources = [scripted(name, A) for name in "abc"]
    monitor = build(sources)
    tasks = [asyncio.create_task(monitor.check()) for _ in range(50)]
    await clock.slept(2.0)

    checks = await asyncio.gather(*tasks)

    assert {1} == {check.number for check in checks}
    assert [source.asked for source in sources] == [2, 2, 2]


async def test_cancelling_one_waiter_does_not_end_a_shared_check(build, scripted, clock):
    """
    The others still get their result.
    """
    monitor = build([scripted(name, A) for name in "abc"])
    one, other = asyncio.create_task(monitor.check()), asyncio.create_task(monitor.check())
    await asyncio.sleep(0)
    one.cancel()
    await clock.slept(2.0)

    assert VerdictKind.FIRST is (await other).kind


async def test_the_loop_checks_on_schedule(build, scripted, clock, events, in_background):
    """
    At once, and then an interval after the start of each check; `next_at` says when.
    """
    monitor = build([scripted(name, A) for name in "abc"])
    in_background(monitor.run())
    await clock.slept(2.0)
    first = await events.wait(CheckFinished)
    await clock.slept(298.0)
    second = await events.wait(CheckFinished, 2)

    assert first.check.started_at + timedelta(seconds=300) == first.next_at == second.check.started_at
    assert [first.check.trigger, second.check.trigger] == [Trigger.START, Trigger.SCHEDULE]


@pytest.mark.parametrize("jump_s", [-86_400, 86_400])
async def test_a_wall_clock_that_jumps_a_day_neither_stops_nor_repeats_anything(
    build, scripted, clock, *, storage, events, in_background, jump_s
):
    """
    Checks go on by the clock that does not jump; a change is written once, after the one before, and nothing is negative.
    """
    sources = [scripted(name, A) for name in "abc"]
    monitor = build(sources, sinks=("log",))
    in_background(monitor.run())
    await clock.slept(2.0)
    await events.wait(CheckFinished)
    clock.advance(0, wall=jump_s)
    for source in sources:
        source.says = B
    await clock.slept(298.0)
    await clock.slept(2.0)
    await events.wait(CheckFinished, 2)

    newest, first = await storage.get_ip_history()
    assert (str(newest.address), str(first.address)) == (B, A)
    assert newest.at - first.at == timedelta(seconds=300 + jump_s)
    assert newest.previous_lasted_s == max(0, 300 + jump_s)
    assert [notice.change.key for notice in await storage.pending_notices(sink="log")] == [first.key, newest.key]


async def test_the_loop_recovers_by_itself_after_an_outage(build, scripted, clock, events, in_background):
    """
    It asks again soon, then more slowly, and is back on schedule with the first answer.
    """
    sources = [scripted(name, FailureKind.UNREACHABLE) for name in "abc"]
    monitor = build(sources)
    in_background(monitor.run())
    for pause in (10.0, 20.0, 40.0, 80.0, 160.0, 300.0):
        await clock.slept(pause)
    for source in sources:
        source.says = A
    await clock.slept(2.0)
    finished = await events.wait(CheckFinished, 7)

    assert VerdictKind.FIRST is finished.check.kind
    assert timedelta(seconds=300) == finished.next_at - finished.check.started_at


async def test_a_request_makes_the_loop_check_now(build, scripted, clock, events, in_background):
    """
    And the schedule starts again from there.
    """
    monitor = build([scripted(name, A) for name in "abc"])
    in_background(monitor.run())
    await clock.slept(2.0)
    await events.wait(CheckFinished)
    clock.advance(100)
    monitor.request_check(Trigger.NETWORK)
    second = await events.wait(CheckFinished, 2)

    assert Trigger.NETWORK is second.check.trigger
    assert timedelta(seconds=300) == second.next_at - second.check.started_at


async def test_a_check_from_outside_moves_the_schedule(build, scripted, clock, events, in_background):
    """
    Somebody asked directly while the loop sleeps: the next scheduled check is a whole interval later.
    """
    monitor = build([scripted(name, A) for name in "abc"])
    in_background(monitor.run())
    await clock.slept(2.0)
    await events.wait(CheckFinished)
    clock.advance(297)
    await monitor.check()

    await clock.slept(300.0)
    third = await events.wait(CheckFinished, 3)
    assert Trigger.SCHEDULE is third.check.trigger


async def test_a_change_that_cannot_be_written_is_not_announced_and_found_again(
    build, scripted, clock, *, storage, events, in_background
):
    """
    Full disk: the monitor says so once each time, goes on, and the change is written and announced when there is space.
    """
    full = Unwilling(storage, "save_current_ip")
    monitor = build([scripted(name, A) for name in "abc"], storage=full)
    in_background(monitor.run())
    await clock.slept(2.0)
    trouble = await events.wait(Trouble)
    assert "full" in trouble.what
    assert events.of(ChangeRecorded) == []

    full.broken = False
    await clock.slept(8.0)
    await clock.slept(2.0)
    await events.wait(TroubleOver)

    assert [str(event.change.address) for event in events.of(ChangeRecorded)] == [A]
    assert len(await storage.get_ip_history()) == 1


async def test_ballots_that_cannot_be_written_do_not_hide_the_verdict(build, scripted, clock, storage, events):
    """
    A stable check on a full disk is still a stable check.
    """
    monitor = build([scripted(name, A) for name in "abc"])
    await checked(monitor, clock, 2.0)
    full = Unwilling(storage, "save_ballots")
    monitor = build([scripted(name, A) for name in "abc"], ballots=full)

    check = await checked(monitor, clock)

    assert VerdictKind.STABLE is check.kind
    assert len(events.of(Trouble)) == 1


async def test_a_defect_in_a_check_does_not_end_the_loop(build, scripted, clock, *, events, storage, in_background):
    """
    Anything unexpected is told as a defect; the next check comes.
    """

    class Broken:
        calls = 0

        def __getattr__(self, name):
            if name == "get_current_ip" and not self.calls:
                self.calls += 1
                raise ZeroDivisionError("boom")
            return getattr(storage, name)

    monitor = build([scripted(name, A) for name in "abc"], storage=Broken())
    in_background(monitor.run())
    trouble = await events.wait(Trouble)
    await clock.slept(10.0)
    await clock.slept(2.0)
    await events.wait(CheckFinished)

    assert "ZeroDivisionError" in trouble.what
    assert "defect" in trouble.remedy


async def test_an_observer_that_raises_disturbs_nobody(build, scripted, clock, *, announcer, events, caplog):
    """
    What shows the monitor cannot stop it.
    """

    class Broken:
        def observe(self, event):
            raise ZeroDivisionError

    announcer.add(Broken())
    announcer.add(events)
    monitor = build([scripted(name, A) for name in "abc"])

    await checked(monitor, clock, 2.0)

    assert len(events.of(CheckFinished)) == 2
    assert "observer failed" in caplog.text


async def test_stopping_ends_a_running_check(build, scripted, clock, events):
    """
    Cancelled in the middle of a panel, nothing is left running.
    """
    monitor = build([scripted(name, "hang") for name in "abc"])
    before = asyncio.all_tasks()
    task = asyncio.create_task(monitor.run())
    await events.wait(CheckStarted)
    await clock.until_sleeping(5.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert before == asyncio.all_tasks()


async def test_a_silent_network_is_decided_by_the_panels_deadline(build, scripted, clock):
    """
    The portal is asked about beside the panel and not after it: both families are offline after 5 s, not after 11.
    """
    asked = []

    class Probe:
        async def is_captive(self, family):
            asked.append((family, clock.now - began))
            await clock.sleep(3.0)
            return False

    began = clock.now
    sources = [scripted(f"{name}{family}", "hang", family=family) for name in "abc" for family in Family]
    task = asyncio.create_task(build(sources, portal=Probe()).check())
    await clock.slept(1.5)
    await clock.slept(3.0)
    await clock.slept(0.5)
    check = await task

    assert check.kind is VerdictKind.OFFLINE
    assert clock.now - began == 5.0
    assert sorted(asked) == [(Family.V4, 1.5), (Family.V6, 1.5)]


async def test_a_portal_is_told_from_an_outage(build, scripted, clock):
    """
    When nobody gives an address the probe decides which it is; it is not asked otherwise.
    """

    class Probe:
        asked = 0

        async def is_captive(self, family):
            self.asked += 1
            return True

    probe = Probe()
    sources = [scripted(name, A) for name in "abc"]
    monitor = build(sources, portal=probe)
    await checked(monitor, clock, 2.0)
    assert probe.asked == 0
    for source in sources:
        source.says = FailureKind.TLS

    check = await checked(monitor, clock)

    assert VerdictKind.CAPTIVE is check.kind
