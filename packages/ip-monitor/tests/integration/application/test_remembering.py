"""
The last check answers for others for a few seconds, also over a restart.
"""

from __future__ import annotations

import pytest
from ip_monitor.application.admin import Actor
from ip_monitor.bootstrap import assemble
from ip_monitor.bootstrap.application import REMEMBERED_S
from ip_monitor.resilience.clock import SystemClock
from ip_monitor.settings import Settings
from ip_monitor.testing import PLAY_RANGES, MockAPICluster

ALICE = Actor(name="alice", via="test")


class Still(SystemClock):
    """
    Stands still until moved; who sleeps waits as on any other clock.
    """

    def __init__(self):
        self.now = 1_800_000_000.0

    def monotonic(self):
        return self.now

    def time(self):
        return self.now


@pytest.fixture
async def services():
    async with MockAPICluster({"alder": "ipify", "birch": "ipify", "cedar": "aws"}, seed=7) as cluster:
        yield cluster


async def test_what_is_remembered_outlives_a_restart_and_no_more_than_its_time(services, tmp_path):
    """
    Who asks within five seconds of a check gets that check, from whichever process; then the world is asked again. What
    cannot be read is forgotten.
    """
    settings = Settings(
        database=tmp_path / "ip.sqlite3", families="ipv4", confirm_pause_s=0.0, public_ranges=tuple(PLAY_RANGES)
    )
    specs, clock = [server.spec() for server in services], Still()

    async def ask(*, garbage=None):
        async with assemble(settings, specs=specs, clock=clock) as application:
            if garbage is not None:
                await application.storage.save_state("remembered", garbage)
                application.checks.clear()
                return None
            return await application.admin.watch.check_now(by=ALICE)

    first = await ask()
    asked = [len(server.calls) for server in services]
    clock.now += REMEMBERED_S - 1
    again = await ask()
    assert [len(server.calls) for server in services] == asked
    clock.now += 2
    late = await ask()
    for garbage in ("{", "[7]", '[{"namespace": "checks", "key": "last", "stored_at": 1, "check": "{}"}]'):
        await ask(garbage=garbage)
    after = await ask()

    assert not first.is_remembered
    assert again.is_remembered
    assert again.check == first.check
    assert not late.is_remembered
    assert not after.is_remembered
