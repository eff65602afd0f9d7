"""
Months of checks in virtual time against a world in which operators of less than half of the weight do their worst.

The whole monitor runs as the product joins it: loop, hedged panel, circuit breakers, vote, confirmation, the pace that the
health of services sets, pools told once, and a real SQLite file with its outbox. Only time is virtual, and SQLite is called
without its threads so that virtual time never runs ahead of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import random
import statistics
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from ip_monitor.adapters.storage.sqlite.file import prepare
from ip_monitor.adapters.storage.sqlite.storage import SQLiteIPStorage
from ip_monitor.application.announcing import Announcer
from ip_monitor.application.monitor import Monitor
from ip_monitor.application.panel import HEDGE_S, Panel
from ip_monitor.application.schedule import Schedule
from ip_monitor.application.standing import Standing
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Failure, FailureKind, Source
from ip_monitor.domain.events import ChangeRecorded, CheckFinished, Trouble

INTERVAL_S, DEADLINE_S, PAUSE_S = 300.0, 5.0, 2.0
BOUND_S = INTERVAL_S + DEADLINE_S + PAUSE_S
FULL = 100_000
EPOCH = 1_800_000_000.0
PROGRAM, PERSON = "webhook", "email"
MISDEEDS = ("lie", "conspire", "silent", "stale", "slow", "captive", "flap", "wrong_then_right")


class VirtualLoop(asyncio.SelectorEventLoop):
    """
    Where waiting takes no time: an idle loop jumps to its next timer.
    """

    def __init__(self):
        super().__init__()
        self.now = 0.0
        # asyncio runs a timer when `time() + resolution` is later than it. After 2**24 s, half a year, the nanosecond it
        # assumes is less than half a step of a float: the sum is the time itself, and no timer would run any more.
        self._clock_resolution = 1e-6
        select = self._selector.select

        def jump(timeout=None):
            if timeout is None:
                raise RuntimeError("nothing is ready and nothing is scheduled: the loop would wait for ever")
            self.now += timeout
            return select(0)

        self._selector.select = jump

    def time(self):
        return self.now


class LoopClock:
    def __init__(self, loop):
        self._loop = loop

    def monotonic(self):
        return self._loop.time()

    def time(self):
        return EPOCH + self._loop.time()

    async def sleep(self, delay):
        await asyncio.sleep(delay)


class InlinePool:
    """
    The storage's own SQL on its own file, without threads.
    """

    def __init__(self, path):
        self.db = prepare(path)
        # A hundred thousand waits for the disk prove nothing here; durability has tests of its own.
        self.db.execute("PRAGMA synchronous = OFF")

    async def read(self, work):
        return work(self.db)

    async def write(self, work):
        self.db.execute("BEGIN IMMEDIATE")
        result = work(self.db)
        self.db.execute("COMMIT")
        return result

    async def close(self):
        self.db.close()


class World:
    """
    The true address over time, and operators of which a set of less than half of the weight misbehaves, drawn anew
    now and then.
    """

    def __init__(self, loop, seed):
        self.loop = loop
        self.rng = random.Random(seed)
        self.names = [f"operator{n}" for n in range(6)]
        self.weights = {name: self.rng.choice([0.5, 1.0, 1.0, 1.0, 2.0]) for name in self.names}
        self.periods = []
        self.bad = {}
        self.next_change = 0.0
        # How often the line still goes back and forth between its last two addresses.
        self.swings = 0
        self.next_shuffle = 0.0
        self.lie = self.address()

    def address(self):
        while True:
            address = ipaddress.ip_address(f"93.184.{self.rng.randrange(256)}.{self.rng.randrange(256)}")
            if not self.periods or address not in {period[1] for period in self.periods[-3:]}:
                return address

    def advance(self):
        """
        Bring the world up to the present.
        """
        now = self.loop.time()
        while self.next_change <= now:
            back = len(self.periods) > 1 and (self.swings > 0 or self.rng.random() < 0.15)
            self.periods.append((self.next_change, self.periods[-2][1] if back else self.address()))
            self.next_change += self.lasts()
        while self.next_shuffle <= now:
            self.shuffle()
            self.next_shuffle += self.rng.uniform(1, 900)

    def lasts(self):
        if self.swings == 0 and self.rng.random() < 0.1:
            self.swings = self.rng.randrange(3, 9)
        elif self.swings > 0:
            self.swings -= 1
        if self.swings > 0:
            return self.rng.uniform(BOUND_S, 3 * BOUND_S)
        return self.rng.choice([self.rng.uniform(0, 600), self.rng.uniform(BOUND_S, BOUND_S * 1.1), 40_000, 100_000])

    def shuffle(self):
        self.lie = self.address()
        self.bad = {}
        total = sum(self.weights.values())
        for name in self.rng.sample(self.names, len(self.names)):
            if 2 * (sum(self.weights[other] for other in self.bad) + self.weights[name]) < total:
                self.bad[name] = self.rng.choice(MISDEEDS)

    def truth(self):
        self.advance()
        return self.periods[-1][1]

    def former(self):
        return self.periods[-2][1] if len(self.periods) > 1 else self.lie

    def was_true(self, address, since, until):
        ends = [*(start for start, _ in self.periods[1:]), float("inf")]
        pairs = zip(self.periods, ends, strict=True)
        return any(a == address and start <= until and end >= since for (start, a), end in pairs)


class Operator:
    def __init__(self, world, name):
        self.world = world
        self._source = Source(name=name, operator=name, family=Family.V4, weight=world.weights[name])

    @property
    def source(self):
        return self._source

    def fails(self, kind):
        return self.says(None, failure=Failure(kind=kind, detail=kind.value))

    def says(self, address, failure=None):
        at = datetime.fromtimestamp(EPOCH + self.world.loop.time(), UTC)
        return Answer(source=self.source, at=at, latency_s=0.0, address=address, failure=failure)

    async def ask(self):
        world = self.world
        truth = world.truth()
        misdeed = world.bad.get(self.source.name)
        if misdeed == "slow":
            await asyncio.sleep(world.rng.uniform(DEADLINE_S - 1, DEADLINE_S + 5))
        replies = {
            None: truth,
            "slow": truth,
            "lie": world.address(),
            "conspire": world.lie,
            "stale": world.former(),
            "flap": world.rng.choice([truth, world.former()]),
            "wrong_then_right": world.rng.choice([truth, world.lie]),
        }
        if misdeed in replies:
            return self.says(replies[misdeed])
        return self.fails(FailureKind.MARKUP if misdeed == "captive" else FailureKind.UNREACHABLE)


class Judge:
    """
    Watches what is announced and compares it with the world.
    """

    def __init__(self, world):
        self.world = world
        self.checks = 0
        self.kinds = Counter()
        self.announced = []
        self.troubles = []

    def observe(self, event):
        if isinstance(event, ChangeRecorded):
            self.announced.append((self.world.loop.time(), event.change.address))
        elif isinstance(event, CheckFinished):
            self.checks += 1
            self.kinds[event.check.kind.value] += 1
        elif isinstance(event, Trouble):
            self.troubles.append(event)

    def false_announcements(self):
        window = 3 * DEADLINE_S + 3 * PAUSE_S
        return [entry for entry in self.announced if not self.world.was_true(entry[1], entry[0] - window, entry[0])]

    def judge_periods(self):
        """
        Missed periods that lasted longer than the bound, and the delays of those that were announced.
        """
        missed, delays = [], []
        ends = [start for start, _ in self.world.periods[1:]]
        known, index = None, 0
        for (start, address), end in zip(self.world.periods, ends, strict=False):
            within = []
            while index < len(self.announced) and self.announced[index][0] < end:
                within.append(self.announced[index])
                index += 1
            before = known
            if within:
                known = within[-1][1]
            hits = [at for at, said in within if said == address]
            if hits:
                delays.append(hits[0] - start)
            elif end - start > BOUND_S and before != address:
                missed.append((start, end, address))
        return missed, delays


async def live(loop, checks, seed, path):
    world, clock = World(loop, seed), LoopClock(loop)
    judge = Judge(world)
    storage = SQLiteIPStorage(path, InlinePool(path), None)
    standing = Standing(clock=clock, rng=random.Random(seed))
    monitor = Monitor(
        Panel(
            [Operator(world, name) for name in world.names],
            clock=clock,
            deadline_s=DEADLINE_S,
            hedge_s=HEDGE_S,
            guard=standing.sources,
        ),
        storage=storage,
        ballots=storage,
        announcer=Announcer([judge, standing], clock=clock),
        clock=clock,
        schedule=Schedule(interval_s=INTERVAL_S, confirm_pause_s=PAUSE_S),
        sinks=(PROGRAM, PERSON),
        programs={PROGRAM},
        pace=standing.pace,
        rng=random.Random(seed),
    )
    running = asyncio.create_task(monitor.run())
    while judge.checks < checks:
        assert not running.done()
        await asyncio.sleep(INTERVAL_S)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    history = await storage.get_ip_history(limit=10**9)
    told = {
        sink: [notice.change for notice in await storage.pending_notices(sink=sink, limit=10**9)]
        for sink in (PROGRAM, PERSON)
    }
    await storage.close()
    return judge, list(reversed(history)), told


@pytest.mark.deadline(7200)
@pytest.mark.timeout(7200)
@pytest.mark.hermetic(blocking=60, reason="the model keeps its storage in the loop's thread, for speed")
@pytest.mark.prove("model", sample=1_000, full=FULL)
def test_no_false_announcement_and_no_missed_change(tmp_path, rounds, capsys):
    """
    With operators of less than half of the weight lying, conspiring, silent, stale, slow, captive and flapping: nothing
    is announced that was not true, and every address that lasts longer than interval, deadline and pause is announced.
    """
    loop = VirtualLoop()
    try:
        judge, history, told = loop.run_until_complete(live(loop, rounds, seed=rounds, path=tmp_path / "ip.sqlite3"))
    finally:
        loop.close()
    missed, delays = judge.judge_periods()
    deciles = [round(delay) for delay in statistics.quantiles(delays, n=10, method="inclusive")]
    with capsys.disabled():
        print(  # noqa: T201 - the distribution is part of the proof
            f"\nmodel: {judge.checks} checks over {loop.time() / 86_400:.0f} days, {len(judge.announced)} announced, "
            f"{len(told[PERSON])} to people, "
            f"kinds {dict(judge.kinds)}; delay s: deciles {deciles}, longest {max(delays):.0f}"
        )

    assert judge.false_announcements() == []
    assert missed == []
    assert judge.troubles == []
    assert [address for _, address in judge.announced] == [change.address for change in history]
    assert told[PROGRAM] == history
    assert told[PERSON] == [change for before, change in pairwise([None, *history]) if is_news(change, before)]
    assert len(told[PERSON]) < len(history) or rounds < FULL


def is_news(change, before):
    """
    People hear of all but what a pool that they know goes on doing.
    """
    return not change.pool or before is None or set(change.pool) != set(before.pool)
