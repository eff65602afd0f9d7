"""
A check that is under way when the settings change, or when the end comes.
"""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from ip_monitor.bootstrap import assemble
from ip_monitor.bootstrap.application import InterruptedCheckError
from ip_monitor.domain.events import CheckStarted
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.settings import Loaded, Request
from ip_monitor.settings.validation import validate
from ip_monitor.testing import PLAY_RANGES, MockAPICluster

LONG_S = 30.0


@pytest.fixture
async def services():
    async with MockAPICluster({"alder": "ipify", "birch": "ipify", "cedar": "aws"}, seed=7) as cluster:
        yield cluster


@pytest.fixture
async def settings(tmp_path, services):
    """
    Valid settings for these services, which may take their time.
    """
    lines = ["default_providers = false", 'families = "ipv4"', "confirm_pause_s = 0", f"timeout_s = {LONG_S}"]
    lines += [f"public_ranges = {[str(network) for network in PLAY_RANGES]}", f"database = '{tmp_path / 'ip.sqlite3'}'"]
    for server in services:
        lines += ["[[providers]]", f"name = '{server.name}'", f"url = '{server.spec().url}'", "plain_http = true"]
        lines += ["private_address = true"]
    path = tmp_path / "settings.toml"
    path.write_text("\n".join(lines))
    found = await asyncio.to_thread(
        validate, Request(environ={}, config_file=path, env_file=None, secret_directories=())
    )
    assert isinstance(found, Loaded)
    return found.settings


class Starts:
    """
    Counts the checks that began.
    """

    def __init__(self):
        self.count = 0
        self.came = asyncio.Event()

    def observe(self, event):
        if isinstance(event, CheckStarted):
            self.count += 1
            self.came.set()


async def under_way(application, starts):
    """
    A check that was asked for and has begun.
    """
    asked = asyncio.create_task(application.check())
    async with asyncio.timeout(10):
        await starts.came.wait()
    return asked


async def test_a_check_interrupted_by_a_settings_change_is_asked_again(settings, services):
    """
    With the new settings, and whoever asked gets the one answer, as if nothing had happened.
    """
    starts = Starts()
    async with assemble(settings, observers=[starts]) as application:
        for server in services:
            server.latency(LONG_S)
        asked = await under_way(application, starts)
        running = asyncio.create_task(application.run())
        for server in services:
            server.latency(0)
        application.reconfigure(dataclasses.replace(settings, disabled_providers=("alder",)))
        async with asyncio.timeout(10):
            check = await asked
        application.request_stop()
        await running

    assert check.kind is VerdictKind.FIRST
    assert {vote.operator for ballot in check.ballots for vote in ballot.votes} == {"birch", "cedar"}
    assert starts.count >= 2


async def test_a_check_interrupted_by_the_end_says_so(settings, services):
    """
    It is not taken for a cancellation of who asked.
    """
    starts = Starts()
    async with assemble(settings, observers=[starts]) as application:
        for server in services:
            server.latency(LONG_S)
        asked = await under_way(application, starts)

    with pytest.raises(InterruptedCheckError, match="ask again"):
        await asked
    assert starts.count == 1
