"""
A monitor on a real SQLite file, asking scripted sources, with a clock that the test moves.
"""

from __future__ import annotations

import asyncio
import heapq
import ipaddress
import itertools
import random
from datetime import UTC, datetime

import pytest
from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
from ip_monitor.application.announcing import Announcer
from ip_monitor.application.monitor import Monitor
from ip_monitor.application.panel import Panel
from ip_monitor.application.schedule import Schedule
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Failure, FailureKind, Source

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class ManualClock:
    """
    Stands still until moved; wall and monotonic time can be moved apart.
    """

    def __init__(self):
        self.now = 1000.0
        self.wall = START.timestamp()
        self.sleepers = []
        self.order = itertools.count()
        self.changed = asyncio.Event()

    def monotonic(self):
        return self.now

    def time(self):
        return self.wall

    async def sleep(self, delay):
        future = asyncio.get_running_loop().create_future()
        entry = (self.now + max(0.0, delay), next(self.order), future)
        heapq.heappush(self.sleepers, entry)
        self.changed.set()
        if delay <= 0:
            self.advance(0)
        await future

    def pending(self):
        return sorted(round(when - self.now, 6) for when, _, future in self.sleepers if not future.done())

    def advance(self, seconds, *, wall=None):
        self.now += seconds
        self.wall += seconds if wall is None else wall
        while self.sleepers and self.sleepers[0][0] <= self.now:
            future = heapq.heappop(self.sleepers)[2]
            if not future.done():
                future.set_result(None)

    async def until_sleeping(self, delay):
        """
        Wait until somebody sleeps for just `delay` more seconds.
        """
        async with asyncio.timeout(20):
            while delay not in self.pending():
                self.changed.clear()
                await self.changed.wait()

    async def slept(self, delay):
        """
        The same, and let it pass.
        """
        await self.until_sleeping(delay)
        self.advance(delay)


class Scripted:
    """
    A source that says what it is told: an address, a failure kind, "hang", or an exception.
    """

    def __init__(self, name, says=None, *, family=Family.V4, operator=None):
        self._source = Source(name=name, operator=operator or name, family=family)
        self.says = says
        self.asked = 0

    @property
    def source(self):
        return self._source

    async def ask(self):
        self.asked += 1
        says = self.says.pop(0) if isinstance(self.says, list) else self.says
        if says == "hang":
            await asyncio.Event().wait()
        if isinstance(says, BaseException):
            raise says
        if isinstance(says, FailureKind):
            failure = Failure(kind=says, detail=says.value)
            return Answer(source=self.source, at=START, latency_s=0.01, failure=failure)
        return Answer(source=self.source, at=START, latency_s=0.01, address=ipaddress.ip_address(says))


class Events:
    """
    An observer that keeps everything and can be waited on.
    """

    def __init__(self):
        self.all = []
        self.changed = asyncio.Event()

    def observe(self, event):
        self.all.append(event)
        self.changed.set()

    def of(self, kind):
        return [event for event in self.all if isinstance(event, kind)]

    async def wait(self, kind, count=1):
        async with asyncio.timeout(20):
            while len(self.of(kind)) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.of(kind)[count - 1]


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def announcer(events, clock):
    return Announcer([events], clock=clock)


@pytest.fixture
async def storage(tmp_path):
    storage = await SQLiteIPStorage.open(tmp_path / "ip.sqlite3")
    yield storage
    await storage.close()


@pytest.fixture
def scripted():
    return Scripted


@pytest.fixture
async def build(storage, announcer, clock):
    """
    A monitor of scripted sources; everything can be replaced by keyword.
    """
    monitors = []

    def make(providers, *, hedge_s=None, guard=None, **fields):
        fields = {
            "storage": storage,
            "ballots": storage,
            "announcer": announcer,
            "clock": clock,
            "schedule": Schedule(jitter=0),
            "rng": random.Random(1),
            **fields,
        }
        monitor = Monitor(Panel(providers, clock=clock, hedge_s=hedge_s, guard=guard), **fields)
        monitors.append(monitor)
        return monitor

    yield make
    for monitor in monitors:
        await monitor.aclose()


@pytest.fixture
async def in_background():
    """
    Run a coroutine until the test ends, and fail if it ended by itself.
    """
    tasks = []

    def start(coroutine):
        tasks.append(asyncio.create_task(coroutine))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(result, asyncio.CancelledError)
