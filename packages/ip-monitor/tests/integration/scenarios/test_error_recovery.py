"""
What breaks around the product, and that all is well again by itself afterwards: nothing lost, nothing told twice.
"""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from hermetic.world.http import fail
from hermetic.world.http.faults import refuse
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.resilience.circuit_breaker import BreakerState
from ip_monitor.testing.discord import Status

pytestmark = [pytest.mark.deadline(15), pytest.mark.limits(database_connections=12, threads=20)]


@contextlib.contextmanager
def unreachable(cluster):
    """
    Every service refuses connections.
    """
    with contextlib.ExitStack() as stack:
        for server in cluster:
            stack.enter_context(server.fault(refuse()))
        yield


async def test_network_failure_is_no_change_and_ends_by_itself(product):
    """
    While nobody can be reached the known address stays; a change that happened meanwhile is told once.
    """
    async with product() as running:
        first = list(running.told)
        with unreachable(running.cluster):
            away = await running.application.check()
            running.cluster.line.change()
            still = await running.application.storage.load_last_ip(Family.V4)
        back = await running.application.check()
        (change,) = back.changes
        await running.has_told(change.key)

    assert away.kind is VerdictKind.OFFLINE
    assert still == change.previous
    assert running.told == [*first, change.key]


async def test_storage_failure_loses_no_change(product, isolated_test_config):
    """
    While another program holds the database a change cannot be written, and is not told; the next check finds it again.
    """
    async with product() as running:
        application, told = running.application, list(running.told)
        pool = application.storage._pool
        await pool._run(pool._writer, lambda db: db.execute("PRAGMA busy_timeout = 10").fetchone())
        with contextlib.closing(sqlite3.connect(isolated_test_config.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            running.cluster.line.change()
            with pytest.raises(StorageUnavailableError, match="locked"):
                await application.check()
            assert running.told == told
            other.execute("ROLLBACK")
        (change,) = (await application.check()).changes
        await running.has_told(change.key)
        current = await application.storage.get_current_ip(Family.V4)

    assert running.told == [*told, change.key]
    assert current.address == change.address == running.cluster.line.address(Family.V4)


async def test_receiver_failure_keeps_every_change_in_order(product):
    """
    Three changes wait while the receiver fails, and come in their order when it is back.
    """
    async with product() as running:
        before = list(running.told)
        running.hook.status(503)
        keys = [await running.change() for _ in range(3)]
        assert running.told == before
        running.hook.status(204)
        running.application.delivery.revise()
        await running.has_told(*keys)

    assert running.told == [*before, *keys]


async def test_discord_failure_is_seen_by_nobody_who_asks(mock_bot):
    """
    While messages are refused, commands are answered and checks go on; the change is told once when that ends.
    """
    double, application = mock_bot.double, mock_bot.application
    before = len(double.messages())
    rule = double.fail(Status(503), on="POST /channels/*/messages")
    mock_bot.cluster.line.change()
    (change,) = (await application.check()).changes
    answered = await double.slash(double.member, double.channel, "status")
    await double.until(lambda: rule.met, "a refused announcement")
    double.heal()
    application.delivery.revise()
    await double.until(lambda: len(double.messages()) > before, "the announcement")
    (told,) = double.messages()[before:]

    assert "IP Monitor" in answered.embed["title"]
    assert told.embed["footer"]["text"].endswith(change.key)


async def test_provider_failure_is_outvoted_left_alone_and_forgiven(product):
    """
    One service that fails changes no verdict; its breaker opens, and closes once it answers again.
    """
    async with product(hedge_s=0.0) as running:
        application, cluster = running.application, running.cluster
        cluster["cedar"].fail_as(fail(500))
        kinds = [(await application.check()).kind for _ in range(4)]
        opened = application.standing.breakers()["source cedar"].state
        key = await running.change()
        cluster["cedar"].be_honest()
        # It is asked all the same when the others do not agree.
        cluster["alder"].lie("203.0.113.250")
        asked = await application.check()
        cluster["alder"].be_honest()
        closed = application.standing.breakers()["source cedar"].state

    assert set(kinds) == {VerdictKind.STABLE}
    assert opened is BreakerState.OPEN
    assert key
    assert asked.kind is VerdictKind.STABLE
    assert closed is BreakerState.CLOSED
