"""
Many at once, and for long: everybody is answered, within a deadline, with a bound on what is open.

How fast each of these is, as a ratio to the same work one at a time, is in `benchmarks/under_load.py`.
"""

from __future__ import annotations

import asyncio
import collections
import ipaddress
import json
import os
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hermetic import track_concurrent_operations
from hermetic.world.http import fail
from ip_monitor.adapters.storage.sqlite.codec import change_row
from ip_monitor.application.admin import Actor
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.changes import Change
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.resilience.rate_limiter import RateLimitedError, SlidingWindowLimiter
from ip_monitor.testing import PLAY_RANGES

ALICE = Actor(name="alice", via="test")
CHECKING = Path(__file__).with_name("checking.py")
AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = ipaddress.IPv4Address("198.18.0.0")


@pytest.mark.deadline(15)
@pytest.mark.limits(open_files=400, database_connections=8)
async def test_concurrent_ip_checks_performance(product):
    """
    Fifty questions to one service at once are fifty answers, and fifty who ask for a check get one and the same.
    """
    async with product() as running:
        truth = running.cluster.line.address(Family.V4)
        questions = await track_concurrent_operations(
            [running.application.manager.test("alder") for _ in range(50)], timeout=10
        )
        asked = len(running.cluster["cedar"].calls)
        running.application.checks.clear()
        checks = await track_concurrent_operations(
            [running.application.admin.watch.check_now(by=ALICE) for _ in range(50)], timeout=10
        )
        panels = len(running.cluster["cedar"].calls) - asked

    assert (questions.succeeded, checks.succeeded) == (50, 50), f"{questions}\n{checks}"
    assert {answer.address for answer in questions.results} == {truth}
    assert len({done.check.number for done in checks.results}) == 1
    assert panels <= 1


def _settings_for(cluster, path):
    lines = [
        "default_providers = false",
        'families = "ipv4"',
        "confirm_pause_s = 0",
        f"public_ranges = {[str(network) for network in PLAY_RANGES]}",
        f"database = '{path.with_suffix('.sqlite3')}'",
    ]
    for server in cluster:
        lines += ["[[providers]]", f"name = '{server.name}'", f"url = '{server.spec().url}'", "plain_http = true"]
        lines += ["private_address = true"]
    path.write_text("\n".join(lines))


async def _growth(cluster, path, *words):
    _settings_for(cluster, path)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CHECKING),
        str(path),
        *map(str, words),
        env={"PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return json.loads(output)


@pytest.mark.deadline(1800)
@pytest.mark.timeout(1800)
@pytest.mark.prove("checks-growth", sample=10, full=100)
async def test_memory_usage_under_load(mock_api_cluster, tmp_path, rounds, request):
    """
    No check leaves memory, a task, a socket or a descriptor behind. In a test run only what is coarse is looked for; a
    proof makes 10,000 checks, and finds a monitor that keeps the time of each.
    """
    is_proof = rounds >= 100
    calls, warm, least = (100, 10, 16) if is_proof else (4, 1, 4000)
    clean = await _growth(mock_api_cluster, tmp_path / "clean.toml", rounds, calls, warm, least)
    assert not clean["is_leaking"], clean["text"]
    assert clean["calls"] == rounds * calls
    if is_proof:
        leaking = await _growth(mock_api_cluster, tmp_path / "leaking.toml", 30, 40, 6, least, "leak")
        sys.stdout.write(f"\nas it is:   {clean['text']}\nwith a leak: {leaking['text']}\n")
        assert leaking["is_leaking"], leaking["text"]


@pytest.mark.deadline(15)
@pytest.mark.limits(open_files=400, database_connections=8)
async def test_error_handling_under_load(product):
    """
    While one service fails always and another hangs up, a hundred questions are a hundred answers, no check is believed
    on the word of one, who fails is left alone, and all is well again afterwards.
    """
    async with product(hedge_s=0.0, timeout_s=1.0) as running:
        application, cluster = running.application, running.cluster
        known = cluster.line.address(Family.V4)
        cluster["birch"].fail_as(fail(503))
        cluster["cedar"].fail_as(fail(500))
        cluster["alder"].lie("203.0.113.250")
        outcome = await track_concurrent_operations(
            [application.manager.test(name) for name in ("alder", "birch", "cedar", "birch") for _ in range(25)],
            timeout=4,
        )
        failures = collections.Counter(answer.failure.kind.value for answer in outcome.results if answer.failure)
        verdicts = [(await application.check()).kind for _ in range(4)]
        still = await application.storage.load_last_ip(Family.V4)
        for server in cluster:
            server.be_honest()
        application.standing.sources.reset()
        healed = await application.check()

    assert outcome.succeeded == 100, str(outcome)
    assert failures == {"status": 75}
    assert VerdictKind.CHANGED not in verdicts
    assert still == known
    assert healed.kind is VerdictKind.STABLE


@pytest.mark.deadline(15)
async def test_cache_concurrent_access_performance(isolated_cache):
    """
    Two thousand who read twenty keys at once cause twenty loads, and each gets the value of its key.
    """
    loads = collections.Counter()

    async def load(key):
        loads[key] += 1
        await asyncio.sleep(0)
        return f"value of {key}"

    async def read(number):
        key = f"key {number % 20}"
        return key, await isolated_cache.get_or_load(key, lambda: load(key))

    outcome = await track_concurrent_operations([read(number) for number in range(2000)], timeout=10)

    assert outcome.succeeded == 2000, str(outcome)
    assert all(value == f"value of {key}" for key, value in outcome.results)
    assert set(loads.values()) == {1}
    assert isolated_cache.statistics().loads == 20


@pytest.mark.deadline(15)
async def test_rate_limiter_concurrent_access(virtual_clock):
    """
    Of five hundred at once a hundred pass; sixty who wait pass ten a second, in the order in which they came.
    """
    strict = SlidingWindowLimiter("strict", limit=100, window_s=60.0, clock=virtual_clock)
    passed = []

    async def try_now():
        try:
            strict.acquire_nowait()
        except RateLimitedError:
            return False
        return True

    outcome = await track_concurrent_operations([try_now() for _ in range(500)], timeout=10)
    patient = SlidingWindowLimiter("patient", limit=10, window_s=1.0, clock=virtual_clock)

    async def wait(number):
        await patient.acquire()
        passed.append((number, virtual_clock.monotonic()))

    await asyncio.gather(*(wait(number) for number in range(60)))

    assert sum(outcome.results) == 100
    assert [number for number, _ in passed] == list(range(60))
    assert [round(at - passed[0][1]) for _, at in passed] == [number // 10 for number in range(60)]


@pytest.mark.deadline(15)
@pytest.mark.limits(database_connections=8, threads=10)
async def test_database_concurrent_reads_and_writes(isolated_sqlite_storage_with_data):
    """
    Fifty changes are written while three hundred read; every reading is of a moment that was, and nothing is lost.
    """
    storage = isolated_sqlite_storage_with_data

    async def write(number):
        at = AT + timedelta(days=400, seconds=number)
        change = Change(key=f"late-{number:02}", address=FIRST + number + 1, previous=FIRST + number, at=at)
        await storage.save_current_ip(change, sinks=("discord",))

    async def read(_):
        page = await storage.get_ip_history(limit=200)
        return len(page) == len({change.key for change in page}) >= 50

    outcome = await track_concurrent_operations(
        [work(number) for number in range(50) for work in (write, read, read, read, read, read, read)], timeout=10
    )
    kept = await storage.get_ip_history(limit=200)
    pending = await storage.pending_notices(sink="discord", limit=200)

    assert outcome.succeeded == 350, str(outcome)
    assert all(result for result in outcome.results if result is not None)
    assert {change.key for change in kept} >= {f"late-{number:02}" for number in range(50)}
    assert len(pending) == 51


def _fill(path, count):
    db = sqlite3.connect(path)
    try:
        with db:
            db.executemany(
                "INSERT INTO changes (key, family, address, previous, at, previous_since, operators, pool)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    change_row(
                        Change(
                            key=f"k{number:05}",
                            address=FIRST + number + 1,
                            previous=FIRST + number,
                            at=AT + timedelta(seconds=number),
                        )
                    )
                    for number in range(count)
                ),
            )
    finally:
        db.close()


@pytest.mark.deadline(15)
@pytest.mark.limits(memory_mb=40, database_connections=8)
async def test_database_large_history(isolated_sqlite_storage):
    """
    Beside twenty thousand changes a page is a page, wherever it begins, and only its rows are read into memory.
    """
    storage = isolated_sqlite_storage
    await asyncio.to_thread(_fill, storage.path, 20_000)
    newest = await storage.get_ip_history(limit=20)
    middle = await storage.get_ip_history(limit=20, before="k10000")
    oldest = await storage.get_ip_history(limit=20, before="k00010")
    none = await storage.get_ip_history(limit=20, family=Family.V6)

    assert [change.key for change in newest] == [f"k{number:05}" for number in range(19_999, 19_979, -1)]
    assert [change.key for change in middle] == [f"k{number:05}" for number in range(9_999, 9_979, -1)]
    assert [change.key for change in oldest] == [f"k{number:05}" for number in range(9, -1, -1)]
    assert list(none) == []
