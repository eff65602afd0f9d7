"""
What the kernel tells of addresses and routes, in a network namespace of the test's own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from ip_monitor.adapters.network.messages import RTM_NEWADDR, RTM_NEWROUTE, read_fact, read_messages
from ip_monitor.adapters.network.watch import NetworkWatch
from ip_monitor.resilience.clock import SystemClock

SCENE = """
import asyncio, json, subprocess
from ip_monitor.adapters.network.watch import NetworkWatch, _present
from ip_monitor.resilience.clock import SystemClock

def ip(words):
    subprocess.run(["ip", *words.split()], check=True)

class Resting(SystemClock):
    # Knows whether somebody sleeps by it.
    sleeping = 0

    async def sleep(self, seconds):
        self.sleeping += 1
        try:
            await super().sleep(seconds)
        finally:
            self.sleeping -= 1

async def all_is_told(watch, clock):
    # One change is several messages, and on a busy machine more than one alarm.
    while watch._facts != _present() or watch._changed.is_set() or clock.sleeping:
        await asyncio.sleep(0)

async def main():
    alarmed, told, clock = asyncio.Event(), {}, Resting()
    watch = NetworkWatch(alarmed.set, clock=clock, settle_s=0.02, least_gap_s=0.0)
    ip("link set lo up")
    ip("addr add 192.0.2.7/24 dev lo")
    task = asyncio.create_task(watch.run())
    while not watch._facts:
        await asyncio.sleep(0)
    told["at the start"] = alarmed.is_set()
    for name, words in {
        "address": "addr add 192.0.2.5/24 dev lo",
        "the same again, with another lifetime": "addr change 192.0.2.5/24 dev lo valid_lft 1000 preferred_lft 1000",
        "an address of this machine only": "addr add 127.0.0.9/8 dev lo scope host",
        "route": "route add 198.51.100.0/24 dev lo",
        "route gone": "route del 198.51.100.0/24 dev lo",
        "address gone": "addr del 192.0.2.5/24 dev lo",
        # The last one: what belongs to it comes when the kernel has time.
        "IPv6 address": "-6 addr add 2001:db8::5/64 dev lo nodad",
    }.items():
        await all_is_told(watch, clock)
        alarmed.clear()
        ip(words)
        try:
            await asyncio.wait_for(alarmed.wait(), 0.2 if "same" in name or "only" in name else 5.0)
        except TimeoutError:
            pass
        told[name] = alarmed.is_set()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    print(json.dumps(told))

asyncio.run(main())
"""


@pytest.mark.needs_program("unshare", "ip")
def test_the_kernel_tells_of_addresses_and_routes():
    """
    Each that comes or goes is told; what was there before, what is repeated with another lifetime, and what leads nowhere
    is not.
    """
    words = ["unshare", "--map-root-user", "--net", sys.executable, "-c", SCENE]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "at the start": False,
        "address": True,
        "the same again, with another lifetime": False,
        "an address of this machine only": False,
        "route": True,
        "route gone": True,
        "address gone": True,
        "IPv6 address": True,
    }


async def test_where_the_kernel_tells_nothing_the_watch_only_waits(monkeypatch):
    """
    No such socket: no alarm, no error, and it ends when it is cancelled.
    """
    alarms = []
    monkeypatch.delattr("socket.AF_NETLINK")
    task = asyncio.create_task(NetworkWatch(lambda: alarms.append(1), clock=SystemClock()).run())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert alarms == []


@pytest.mark.parametrize("data", [b"", b"\x10", b"\xff" * 40, (8).to_bytes(4, "little") + bytes(60)])
def test_messages_that_are_cut_or_broken_are_passed_over(data):
    """
    Nothing is read beyond what came.
    """
    assert [read_fact(kind, body) for kind, body in read_messages(data)] == []
    assert read_fact(RTM_NEWADDR, data[:4]) is None
    assert read_fact(RTM_NEWROUTE, data[:4]) is None
