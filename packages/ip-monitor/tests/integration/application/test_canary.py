"""
Cheap probes between checks, on a real database with a clock that the test moves.
"""

from __future__ import annotations

import asyncio
import ipaddress

import pytest
from ip_monitor.application.canary import Canary
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.application.wake import SleepWatch
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import FailureKind
from ip_monitor.domain.changes import Change
from ip_monitor.domain.checks import Trigger
from ip_monitor.domain.events import ChangeRecorded, CheckFinished
from ip_monitor.resilience.clock import utc_now

A, B, C = "93.184.216.34", "93.184.216.35", "93.184.216.36"


async def know(storage, clock, address, key="k"):
    change = Change(key=key, address=ipaddress.ip_address(address), previous=None, at=utc_now(clock))
    await storage.save_current_ip(change)


@pytest.fixture
def watch(storage, clock, in_background):
    """
    A canary over these probes; its alarms are kept.
    """

    def start(*probes, known=storage.get_current_ip):
        alarms = []
        canary = Canary(lambda: probes, known=known, alarm=alarms.append, clock=clock, every_s=60.0)
        in_background(canary.run())
        return alarms

    return start


async def tick(clock, times=1):
    for _ in range(times):
        await clock.slept(60.0)
    await clock.until_sleeping(60.0)


async def test_a_probe_that_disagrees_asks_for_a_check_once(watch, scripted, storage, clock):
    """
    The same again does not; another address, or another known one, does.
    """
    await know(storage, clock, A)
    probe = scripted("probe", A)
    alarms = watch(probe)
    await tick(clock, 2)
    assert alarms == []

    probe.says = B
    await tick(clock, 3)
    assert alarms == [Trigger.CANARY]
    probe.says = C
    await tick(clock)
    await know(storage, clock, B, key="k2")
    await tick(clock)

    assert alarms == [Trigger.CANARY] * 3


async def test_silence_and_what_is_not_known_yet_raise_no_alarm(watch, scripted, storage, clock):
    """
    Nor does a database that cannot be read: the panel comes in any case.
    """

    async def broken(family):
        raise StorageUnavailableError("disk")

    silent = watch(scripted("silent", FailureKind.TIMEOUT))
    unknown = watch(scripted("six", "2a02:2f0f::1", family=Family.V6))
    unreadable = watch(scripted("probe", B), known=broken)
    await know(storage, clock, A)
    for _ in range(3):
        await clock.slept(60.0)
    await clock.until_sleeping(60.0)

    assert (silent, unknown, unreadable) == ([], [], [])


async def test_probes_of_a_family_take_turns(watch, scripted, storage, clock):
    """
    One packet a round and family.
    """
    await know(storage, clock, A)
    probes = [scripted(name, A) for name in "ab"]
    watch(*probes)
    await tick(clock, 4)

    assert [probe.asked for probe in probes] == [2, 2]


async def test_a_machine_that_slept_is_told_by_its_clocks(clock, in_background):
    """
    The wall clock went on while the timers stood still; a correction by seconds is no sleep. It needs no canary.
    """
    alarms = []
    in_background(SleepWatch(lambda: alarms.append(Trigger.WAKE), clock=clock).run())
    await clock.until_sleeping(15.0)
    clock.advance(15, wall=20)
    await clock.until_sleeping(15.0)
    assert alarms == []
    clock.advance(15, wall=8 * 3600)
    await clock.until_sleeping(15.0)

    assert alarms == [Trigger.WAKE]


async def test_with_a_canary_a_change_is_announced_within_a_minute(build, scripted, storage, clock, events):
    """
    Instead of at the panel's next time: a lying canary costs one panel and announces nothing.
    """
    sources = [scripted(name, A) for name in "abc"]
    monitor = build(sources)
    probe = scripted("probe", A)
    canary = Canary(
        lambda: [probe], known=storage.get_current_ip, alarm=monitor.request_check, clock=clock, every_s=60.0
    )
    running = [asyncio.create_task(monitor.run()), asyncio.create_task(canary.run())]
    await clock.slept(2.0)
    await events.wait(CheckFinished)
    began = clock.now
    probe.says = B
    await clock.until_sleeping(298.0)
    clock.advance(58)
    await events.wait(CheckFinished, 2)
    assert len(events.of(ChangeRecorded)) == 1

    for source in sources:
        source.says = C
    probe.says = C
    await clock.slept(60.0)
    await clock.slept(2.0)
    change = await events.wait(ChangeRecorded, 2)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)

    assert str(change.change.address) == C
    assert clock.now - began < 130
    assert [event.check.trigger for event in events.of(CheckFinished)[:2]] == [Trigger.START, Trigger.CANARY]
