"""
Scenes from the life of a monitor, from its first start to the loss of its disk.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import time

import pytest
from hermetic import track_concurrent_operations, wait_until
from hermetic.world.http import fail
from hermetic.world.http.faults import black_hole, refuse
from ip_monitor.adapters.storage.sqlite import DatabaseCorruptError, SQLiteIPStorage
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.events import CheckFinished
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.resilience.clock import SystemClock
from ip_monitor.testing import LeapingClock

pytestmark = [pytest.mark.deadline(15), pytest.mark.limits(database_connections=16, threads=24)]
TWELVE_HOURS_S = 43_200.0


async def test_deployment_goes_on_where_the_version_before_ended(product):
    """
    The first start announces the first address; a change in the pause between two versions is announced by the second
    one, once, and a third start with nothing new says nothing.
    """
    async with product() as first:
        known = await first.application.storage.load_last_ip(Family.V4)
        assert len(first.told) == 1
    first.cluster.line.change()
    async with product() as second:
        await wait_until(lambda: len(second.told) == 2, deadline=10)
        history = await second.application.storage.get_ip_history()
    async with product() as third:
        await third.application.check()

    assert [change.previous for change in history] == [known, None]
    assert third.told == [change.key for change in reversed(history)]


async def test_provider_outage_stops_no_announcement_and_invents_none(product):
    """
    With one of three services away a change is found; with two away it is not believed, and found when one is back.
    """
    async with product(hedge_s=0.0) as running:
        application, cluster = running.application, running.cluster
        cluster["alder"].fail_as(fail(503))
        found = await running.change()
        with cluster["birch"].fault(refuse()):
            cluster.line.change()
            kinds = {(await application.check()).kind for _ in range(2)}
        later = await application.check()
        await running.has_told(found, later.changes[0].key)

    assert VerdictKind.CHANGED not in kinds
    assert later.kind is VerdictKind.CHANGED


class ProcessorClock(SystemClock):
    """
    Goes only while this process is at work, so that what others do on the machine counts for nothing.
    """

    def monotonic(self):
        return time.process_time()


async def test_high_load_answers_everybody_in_time(mock_bot):
    """
    Forty members ask at once while checks run and the address changes: the work for all of them, with Discord's side of
    it, fits into the three seconds that each may be left without an answer, and the services are asked no more for it.
    """
    double, cluster, application = mock_bot.double, mock_bot.cluster, mock_bot.application
    double.world.clock = ProcessorClock()
    asked = len(cluster["alder"].calls)
    cluster.line.change()
    commands = itertools.cycle(("ip", "status", "why", "history"))
    outcome = await track_concurrent_operations(
        [double.slash(double.member, double.channel, next(commands), within_s=14) for _ in range(40)], timeout=14
    )
    panels = len(cluster["alder"].calls) - asked
    await application.check()

    assert outcome.succeeded == 40, str(outcome)
    assert not any(reply.has_failed for reply in outcome.results)
    assert panels <= 2


async def test_network_partition_on_either_side_loses_nothing(product):
    """
    First who is told cannot be reached, then who is asked, then neither; each side goes on alone, and in the end every
    change was told once and in order.
    """
    async with product(timeout_s=1.0) as running:
        told, cluster = list(running.told), running.cluster
        with running.receiver.fault(refuse()):
            keys = [await running.change(), await running.change()]
            with contextlib.ExitStack() as asked_side:
                for server in cluster:
                    asked_side.enter_context(server.fault(refuse()))
                cut_off = await running.application.check()
                cluster.line.change()
        (change,) = (await running.application.check()).changes
        keys.append(change.key)
        await running.has_told(*keys)

    assert cut_off.kind is VerdictKind.OFFLINE
    assert running.told == [*told, *keys]


async def test_a_partition_that_swallows_everything_ends_with_the_checks_deadline(product, virtual_clock):
    """
    Connections that never get an answer cost a check its time limit and no more, and are no change.
    """
    async with product(clock=virtual_clock, timeout_s=5.0) as running:
        with contextlib.ExitStack() as silent:
            for server in running.cluster:
                silent.enter_context(server.fault(black_hole()))
            began = virtual_clock.monotonic()
            check = await running.application.check()
            took_s = virtual_clock.monotonic() - began

    assert check.kind is VerdictKind.OFFLINE
    assert took_s <= 10.0


async def test_disaster_recovery_from_a_backup_tells_nothing_twice(product, isolated_test_config, tmp_path):
    """
    The database is destroyed. A plain start refuses it and leaves it alone; with the backup in its place the history goes
    on, and only what happened since the backup is told.
    """
    database, copy = isolated_test_config.database, tmp_path / "backup.sqlite3"
    async with product() as before:
        await before.has_told(await before.change())
        await before.application.delivery.drain()
        await before.application.storage.backup(copy)
        told = list(before.told)
    database.write_bytes(b"the disk said nothing sensible any more" * 300)
    with pytest.raises(DatabaseCorruptError):
        await SQLiteIPStorage.open(database)
    for path in database.parent.glob(database.name + "-*"):
        path.unlink()
    shutil.copy(copy, database)
    async with product() as after:
        unchanged = list(after.told)
        key = await after.change()
        await after.has_told(key)
        history = await after.application.storage.get_ip_history()

    assert unchanged == told
    assert [change.key for change in history] == [key, *reversed(told)]


class Checks:
    """
    How many ended.
    """

    def __init__(self):
        self.count = 0

    def observe(self, event):
        self.count += isinstance(event, CheckFinished)


async def test_a_month_of_production(product):
    """
    Thirty days in leaps of twelve hours: a new address every night, two days without the receiver, three with a service that
    lies, one without any network. Every address is told once and in order, and no lie is believed.
    """
    clock, checks = LeapingClock(), Checks()
    async with product(clock=clock, interval_s=TWELVE_HOURS_S, retry_s=TWELVE_HOURS_S, canary_s=0.0) as running:
        running.application.announcer.add(checks)
        cluster = running.cluster
        for day in range(30):
            with contextlib.ExitStack() as weather:
                if day in {5, 6}:
                    weather.enter_context(running.receiver.fault(refuse()))
                if day == 20:
                    for server in cluster:
                        weather.enter_context(server.fault(refuse()))
                if day in {12, 13, 14}:
                    cluster["birch"].lie("203.0.113.250")
                else:
                    cluster["birch"].be_honest()
                cluster.line.change()
                for _ in range(2):
                    before = checks.count
                    await clock.leap(TWELVE_HOURS_S)
                    await wait_until(lambda before=before: checks.count > before, deadline=10, every=0.001)
        await running.application.check()
        running.application.delivery.revise()
        await running.application.delivery.drain()
        history = await running.application.storage.get_ip_history(limit=100)

    addresses = [change.address for change in reversed(history)]
    taken = [step.address for step in cluster.line.steps(Family.V4)]
    # The address of the day without network may still be seen in the moment in which the network is back; where it is not,
    # the addresses around it may be one and the same.
    unseen = [address for address, _ in itertools.groupby(taken[:21] + taken[22:])]
    assert addresses in (taken, unseen)
    assert "203.0.113.250" not in {str(address) for address in addresses}
    assert running.told == [change.key for change in reversed(history)]
    assert checks.count >= 60
