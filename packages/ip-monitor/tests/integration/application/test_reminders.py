"""
A line that goes back and forth, and what people are told again.
"""

from __future__ import annotations

import asyncio

import pytest
from ip_monitor.application.reminders import Reminders
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.events import ChangeRecorded, HostPartReplaced
from ip_monitor.domain.wording import sentence

A, B, C = "93.184.216.34", "93.184.216.35", "93.184.216.36"
DAY_S = 86_400.0


@pytest.fixture
def line(build, scripted, clock):
    """
    A monitor with a sink of people and one of programs, and a line whose address is set.
    """
    sources = [scripted(name, A) for name in "abc"]
    monitor = build(sources, sinks=("people", "programs"), programs=("programs",))

    async def go(address, *, after_s=300.0):
        clock.advance(after_s)
        for source in sources:
            source.says = address
        task = asyncio.create_task(monitor.check())
        await clock.slept(2.0)
        return (await task).changes[0]

    return go


async def told(storage, sink):
    return [str(notice.change.address) for notice in await storage.pending_notices(sink=sink)]


async def test_a_line_that_goes_back_and_forth_is_told_once_as_a_pool(line, storage):
    """
    People hear of the change, the return, and then of the pool; programs and the history of every change.
    """
    changes = [await line(address) for address in (A, B, A, B, A, B, A)]

    assert await told(storage, "people") == [A, B, A, B]
    assert await told(storage, "programs") == [A, B, A, B, A, B, A]
    assert len(await storage.get_ip_history()) == 7
    assert [len(change.pool) for change in changes] == [0, 0, 0, 2, 2, 2, 2]
    (pool,) = [one.change for one in await storage.pending_notices(sink="people") if one.change.pool]
    assert f"alternates between {A} and {B}" in sentence(pool)


async def test_an_address_outside_the_pool_is_news(line, storage):
    """
    And so is the next change within it after that.
    """
    for address in (A, B, A, B, A, C, A):
        await line(address)

    assert await told(storage, "people") == [A, B, A, B, C, A]


async def test_changes_far_apart_are_no_pool(line, storage):
    """
    Three within an hour, and not three in a day; and after an hour of quiet a pool is over.
    """
    for address in (A, B, A, B):
        await line(address, after_s=3000.0)
    assert await told(storage, "people") == [A, B, A, B]
    for address in (A, B, A):
        await line(address)
    await line(B, after_s=3700.0)

    assert all(not notice.change.pool for notice in (await storage.pending_notices(sink="people"))[:4])
    assert (await told(storage, "people"))[-1] == B


async def test_people_hear_how_a_pool_settled(line, storage, announcer, clock):
    """
    Once, when it was quiet for an hour; programs know already.
    """
    reminders = Reminders(
        storage,
        sinks=lambda: ["people"],
        wake=lambda: None,
        every_s=lambda: 0.0,
        announcer=announcer,
        clock=clock,
    )
    for address in (A, B, A, B, A):
        await line(address)
    await reminders.look()
    assert len(await told(storage, "people")) == 4

    clock.advance(3700.0)
    for _ in range(3):
        await reminders.look()

    assert (await told(storage, "people"))[4:] == [A]
    assert len(await told(storage, "programs")) == 5
    last = (await storage.pending_notices(sink="people"))[-1]
    assert "address is still 93.184.216.34, since" in sentence(last.change)


async def test_reminders_come_as_often_as_wanted_and_not_in_trouble(line, storage, announcer, clock, in_background):
    """
    Counted from when people were last told; never while the monitor is in serious trouble.
    """
    woken, well = [], [False]
    reminders = Reminders(
        storage,
        sinks=lambda: ["people"],
        wake=lambda: woken.append(clock.now),
        every_s=lambda: 7 * DAY_S,
        announcer=announcer,
        clock=clock,
        may_tell=lambda: well[0],
    )
    await line(A)
    clock.advance(8 * DAY_S)
    await reminders.look()
    assert woken == []
    well[0] = True
    in_background(reminders.run())
    await clock.slept(60.0)
    await clock.until_sleeping(60.0)
    clock.advance(6 * DAY_S)
    await clock.until_sleeping(60.0)
    assert len(woken) == 1
    clock.advance(DAY_S)
    await clock.until_sleeping(60.0)

    assert len(woken) == 2
    assert await told(storage, "people") == [A, A, A]


async def test_a_rotated_host_part_is_logged_and_nothing_else(build, scripted, clock, storage, events):
    """
    No change, no notice; what is known has the new host part and is as old as its prefix.
    """
    first, second = "2a02:2f0f:1:2::a", "2a02:2f0f:1:2:8d3c::b"
    sources = [scripted(name, first, family=Family.V6) for name in "abc"]
    monitor = build(sources, sinks=("people",))
    task = asyncio.create_task(monitor.check())
    await clock.slept(2.0)
    await task
    since = (await storage.get_current_ip(Family.V6)).since
    for source in sources:
        source.says = second
    clock.advance(300)

    check = await monitor.check()

    current = await storage.get_current_ip(Family.V6)
    assert (check.changes, len(await storage.get_ip_history())) == ((), 1)
    assert (str(current.address), current.since) == (second, since)
    assert len(events.of(HostPartReplaced)) == len(events.of(ChangeRecorded)) == 1
    assert len(await storage.pending_notices(sink="people")) == 1
