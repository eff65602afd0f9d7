"""
How the services do, what follows from it, and that it outlives a restart.
"""

from __future__ import annotations

import json

import pytest
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.application.standing import STANDING, Standing
from ip_monitor.domain.answers import FailureKind
from ip_monitor.domain.events import CheckFinished
from ip_monitor.resilience.service_health import HealthLevel

A, B = "93.184.216.34", "93.184.216.35"


@pytest.fixture
def standing(clock, announcer):
    standing = Standing(clock=clock)
    announcer.add(standing)
    return standing


async def known(monitor, clock, in_background):
    in_background(monitor.run())
    await clock.slept(2.0)


async def test_an_outage_makes_retries_slower_and_never_slower_than_the_interval(
    build, scripted, clock, *, events, standing, in_background
):
    """
    The level rises with the failures in a row; the pauses with it; after it the interval shrinks back step by step.
    """
    sources = [scripted(name, A) for name in "abc"]
    await known(build(sources, pace=standing.pace), clock, in_background)
    await events.wait(CheckFinished)
    for source in sources:
        source.says = FailureKind.UNREACHABLE
    await clock.slept(298.0)
    pauses = []
    for number in range(3, 15):
        finished = await events.wait(CheckFinished, number - 1)
        pauses.append((finished.next_at - finished.check.started_at).total_seconds())
        await clock.slept(pauses[-1])
    assert pauses[:5] == [10.0, 20.0, 40.0, 120.0, 240.0]
    assert max(pauses) == 300.0
    assert standing.health.level is HealthLevel.CRITICAL
    for source in sources:
        source.says = A
    back = []
    for number in range(14, 21):
        finished = await events.wait(CheckFinished, number)
        back.append((finished.next_at - finished.check.started_at).total_seconds())
        await clock.slept(back[-1])

    assert back == [600.0, 600.0, 600.0, 450.0, 450.0, 450.0, 300.0]


async def test_a_sink_in_trouble_slows_no_check(standing):
    """
    Nor does one family slow the other.
    """
    standing.sink("hook")
    for _ in range(20):
        standing.health.record_failure("sink hook", "refused")
        standing.health.record_failure("IPv6", "offline")
    standing.health.record_success("IPv4")

    assert standing.pace().interval_factor == 1.0
    assert standing.patience("hook") == 4.0
    assert standing.patience("other") == 1.0


async def test_what_is_known_outlives_a_restart_and_can_be_shown(clock, storage, standing):
    """
    Levels and open breakers; what cannot be read is forgotten.
    """
    breaker = standing.sink("hook")
    for _ in range(5):
        breaker.acquire(force=True).failed()
        standing.health.record_failure("sink hook", "refused")
    await standing.keep(storage.save_state)
    kept = (await storage.load_state())[STANDING]
    later, broken = Standing(clock=clock), Standing(clock=clock)
    later.restore(kept)
    broken.restore(kept[:-40])

    report = json.loads(kept)["report"]
    assert report["services"]["sink hook"] == {
        "level": "moderate",
        "failures_in_a_row": 5,
        "last_error": "refused",
    }
    assert report["breakers"]["sink hook"]["state"] == "open"
    assert later.sink("hook").state == breaker.state
    assert later.health.level_of("sink hook") is HealthLevel.MODERATE
    assert broken.health.level is HealthLevel.NORMAL


async def test_storage_in_trouble_is_a_service_in_trouble(announcer, standing):
    """
    And what cannot be written down now is written down later.
    """

    async def full(name, value):
        raise StorageUnavailableError("full")

    kept = []

    async def save(name, value):
        kept.append(name)

    for _ in range(6):
        announcer.trouble("storage", what="the disk is full")
    await standing.keep(full)
    await standing.keep(save)
    await standing.keep(save)

    assert standing.health.level is HealthLevel.SEVERE
    assert standing.pace().interval_factor == 1.5
    assert kept == [STANDING]
