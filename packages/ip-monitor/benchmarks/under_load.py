"""
What many at once cost, beside the same work one after the other or with nothing in its way: checks, questions to services
that fail, the cache, the limiter, and the database.

CPU time of the process, so that a busy machine changes little. What must hold of each is in
`tests/integration/scenarios/test_performance.py`.

    ./dev bench under_load
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hermetic.world.http import fail
from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
from ip_monitor.adapters.storage.sqlite.codec import change_row
from ip_monitor.bootstrap import assemble
from ip_monitor.domain.changes import Change
from ip_monitor.resilience.cache import Cache
from ip_monitor.resilience.clock import SystemClock
from ip_monitor.resilience.rate_limiter import SlidingWindowLimiter
from ip_monitor.settings import Settings
from ip_monitor.testing import PLAY_RANGES, MockAPICluster

ROUNDS = 15
MANY = 50
READS = 2000
HISTORY = 100_000
AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = ipaddress.IPv4Address("93.0.0.0")


async def cpu_ms(work) -> float:
    """
    The median of some rounds, after one to warm up.
    """
    await work()
    costs = []
    for _ in range(ROUNDS):
        began = time.process_time()
        await work()
        costs.append((time.process_time() - began) * 1000)
    return statistics.median(costs)


def report(label: str, cost: float, baseline: float, against: str, *, limit: float) -> bool:
    """
    Print a ratio; True when it is above its limit.
    """
    ratio = cost / baseline
    held = "held" if ratio <= limit else "MISSED"
    print(f"{label:<46} {cost:8.2f} ms CPU  {ratio:6.2f} x {against} ({baseline:.2f} ms)  limit {limit:g}: {held}")
    return ratio > limit


async def checks(home: Path) -> bool:
    cluster = MockAPICluster({"alder": "ipify", "birch": "ipify", "cedar": "aws"}, seed=1)
    settings = Settings(
        database=home / "checks.sqlite3",
        default_providers=False,
        families="ipv4",
        public_ranges=PLAY_RANGES,
        confirm_pause_s=0.0,
        hedge_s=0.0,
    )
    async with cluster, assemble(settings, specs=cluster.specs()) as application:

        async def one():
            await application.check()

        async def fifty_join():
            await asyncio.gather(*(application.check() for _ in range(MANY)))

        async def fifty_in_turn():
            for _ in range(MANY):
                await application.manager.test("alder IPv4")

        async def fifty_at_once():
            await asyncio.gather(*(application.manager.test("alder IPv4") for _ in range(MANY)))

        alone, joined = await cpu_ms(one), await cpu_ms(fifty_join)
        in_turn, at_once = await cpu_ms(fifty_in_turn), await cpu_ms(fifty_at_once)
        cluster["cedar"].fail_as(fail(500))
        cluster["birch"].fail_as(fail(503))
        failing = await cpu_ms(one)
    missed = report("fifty who ask for a check at once", joined, alone, "one check", limit=3.0)
    missed |= report("fifty questions at once", at_once, in_turn, "fifty in turn", limit=1.5)
    return missed | report("a check while two of three services fail", failing, alone, "one check", limit=2.0)


async def cache_and_limiter() -> bool:
    clock = SystemClock()
    cache: Cache[int] = Cache(ttl_s=60.0, clock=clock)
    keys = [f"key {number % 20}" for number in range(READS)]
    plain = {key: asyncio.Future() for key in keys}
    for number, future in enumerate(plain.values()):
        future.set_result(number)

    async def load() -> int:
        return 1

    async def cached():
        await asyncio.gather(*(cache.get_or_load(key, load) for key in keys))

    async def read(key):
        return await plain[key]

    async def bare():
        await asyncio.gather(*(read(key) for key in keys))

    numbers = itertools.count()

    async def limited():
        limiter = SlidingWindowLimiter(str(next(numbers)), limit=READS, window_s=60.0, clock=clock)
        await asyncio.gather(*(limiter.acquire() for _ in range(READS)))

    async def locked():
        lock = asyncio.Lock()

        async def once():
            async with lock:
                pass

        await asyncio.gather(*(once() for _ in range(READS)))

    baseline = await cpu_ms(bare)
    missed = report(f"{READS} readers of 20 cached keys", await cpu_ms(cached), baseline, "a dictionary", limit=4.0)
    held = await cpu_ms(locked)
    missed |= report(f"{READS} who pass a limiter", await cpu_ms(limited), held, "a lock", limit=6.0)
    await cache.aclose()
    return missed


def change(number: int) -> Change:
    return Change(
        key=f"k{number}",
        address=FIRST + number,
        previous=FIRST + number - 1,
        at=AT + timedelta(seconds=number),
        operators=("a", "b"),
    )


def fill(path: Path, count: int) -> None:
    db = sqlite3.connect(path)
    try:
        with db:
            db.executemany(
                "INSERT INTO changes (key, family, address, previous, at, previous_since, operators, pool)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (change_row(change(number)) for number in range(1, count)),
            )
    finally:
        db.close()


async def database(home: Path) -> bool:
    numbers = itertools.count(10_000_000)
    costs = {}
    for name, count in (("small", 100), ("large", HISTORY)):
        storage = await SQLiteIPStorage.open(home / f"{name}.sqlite3")
        await asyncio.to_thread(fill, storage.path, count)

        async def pages(storage=storage, count=count):
            for _ in range(20):
                await storage.get_ip_history(limit=20, before=f"k{count // 2}")

        async def write_ten(storage=storage):
            for _ in range(10):
                await storage.save_current_ip(change(next(numbers)), sinks=("log",))

        async def both(pages=pages, write_ten=write_ten):
            await asyncio.gather(pages(), write_ten(), pages(), pages())

        costs[name] = await cpu_ms(pages), await cpu_ms(write_ten), await cpu_ms(both)
        await storage.close()
    (small, _, _), (large, writes, mixed) = costs["small"], costs["large"]
    missed = report(f"20 pages beside {HISTORY} changes", large, small, "beside 100", limit=2.0)
    return missed | report("60 pages and 10 changes at once", mixed, 3 * large + writes, "in turn", limit=1.5)


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        missed = asyncio.run(checks(Path(home)))
        missed |= asyncio.run(cache_and_limiter())
        missed |= asyncio.run(database(Path(home)))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
