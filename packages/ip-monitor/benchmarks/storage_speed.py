"""
Reading beside a history of 100,000 changes, and draining 10,000 deliveries into a local sink.

The baseline of the drain is the same number of durable one-row transactions in plain sqlite3 on the same disk.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sqlite3
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
from ip_monitor.adapters.storage.sqlite.codec import change_row
from ip_monitor.application.announcing import Announcer
from ip_monitor.application.delivery import Delivery
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.changes import Change
from ip_monitor.resilience.clock import SystemClock

CHANGES, DELIVERIES, SAMPLE = 100_000, 10_000, 500
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Nowhere:
    name = "nowhere"

    def __init__(self):
        self.count = 0

    async def send(self, _notice):
        self.count += 1

    async def aclose(self):
        pass


def change(number):
    return Change(
        key=f"k{number}",
        address=ipaddress.ip_address("93.0.0.0") + number,
        previous=ipaddress.ip_address("93.0.0.0") + number - 1,
        at=AT + timedelta(seconds=number),
        operators=("a", "b", "c"),
    )


def fill(db):
    db.executemany(
        "INSERT INTO changes (key, family, address, previous, at, previous_since, operators, pool)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (change_row(change(number)) for number in range(CHANGES)),
    )
    db.execute("INSERT INTO current VALUES (4, '93.0.0.1', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')")
    db.execute(
        "INSERT INTO deliveries (key, change_id, sink, state, created_at, due_at)"
        " SELECT key || ':nowhere', id, 'nowhere', 'pending', at, at FROM changes ORDER BY id LIMIT ?",
        (DELIVERIES,),
    )


def plain_commits(directory):
    db = sqlite3.connect(directory / "plain.sqlite3", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE t (x)")
    started = time.perf_counter()
    for number in range(SAMPLE):
        db.execute("INSERT INTO t VALUES (?)", (number,))
    took = time.perf_counter() - started
    db.close()
    return SAMPLE / took


async def median_ms(work):
    costs = []
    for _ in range(30):
        started = time.perf_counter()
        await work()
        costs.append((time.perf_counter() - started) * 1000)
    return statistics.median(costs)


async def main():
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        storage = await SQLiteIPStorage.open(directory / "ip.sqlite3")
        await storage._pool.write(fill)  # noqa: SLF001 - a history of this size takes minutes through the front door
        current = await median_ms(lambda: storage.get_current_ip(Family.V4))
        page = await median_ms(lambda: storage.get_ip_history(limit=100))
        deep = await median_ms(lambda: storage.get_ip_history(limit=100, before="k50000"))
        await storage.close()
        started = time.perf_counter()
        storage = await SQLiteIPStorage.open(directory / "ip.sqlite3")
        opening = (time.perf_counter() - started) * 1000
        sink, clock = Nowhere(), SystemClock()
        delivery = Delivery(storage, [sink], announcer=Announcer([], clock=clock), clock=clock)
        baseline = plain_commits(directory)
        started = time.perf_counter()
        await delivery.drain()
        rate = sink.count / (time.perf_counter() - started)
        await storage.close()
    print(f"current address              {current:8.2f} ms  (status wanted within 50)")
    print(f"history page of 100, newest  {page:8.2f} ms  (wanted within 20)")
    print(f"history page of 100, middle  {deep:8.2f} ms")
    print(f"opening with its check       {opening:8.2f} ms")
    print(f"plain durable commits        {baseline:8.0f} a second  baseline")
    print(f"deliveries drained           {rate:8.0f} a second  {rate / baseline:.2f} x  (wanted: 1,000 a second)")


asyncio.run(main())
