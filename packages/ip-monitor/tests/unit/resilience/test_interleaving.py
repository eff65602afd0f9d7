"""
The parts that many tasks share, under other orders of these tasks than asyncio's own.
"""

from __future__ import annotations

import asyncio
import random

import pytest
from hermetic.guard.schedule import interleave
from ip_monitor.resilience.cache import Cache
from ip_monitor.resilience.clock import SystemClock
from ip_monitor.resilience.rate_limiter import SlidingWindowLimiter, TokenBucketLimiter

ORDERS = 4
# A thousand tasks are made, and woken, in one step of the loop each.
pytestmark = pytest.mark.hermetic(blocking=60, reason="a step that makes a thousand tasks holds the loop")


class LoopClock(SystemClock):
    """
    The loop's own time, which jumps from timer to timer here.
    """

    def monotonic(self):
        return asyncio.get_running_loop().time()


def test_a_thousand_concurrent_cache_reads_are_right_in_every_order():
    """
    One load of a key between two invalidations, and never a value older than the invalidation that a reader knew of.
    """

    async def scene():
        cache, rng = Cache(ttl_s=60.0, clock=LoopClock()), random.Random(1)
        version = loads = 0

        async def load():
            nonlocal loads
            seen = version
            loads += 1
            await asyncio.sleep(0)
            return seen

        async def one(number):
            nonlocal version
            key, known = f"k{number % 3}", version
            if rng.random() < 0.02:
                version += 1
                for other in range(3):
                    cache.invalidate(f"k{other}")
                known = version
            await asyncio.sleep(0)
            assert await cache.get_or_load(key, load) >= known

        await asyncio.gather(*(one(number) for number in range(1000)))
        assert loads <= 3 * (version + 1)
        await cache.aclose()

    assert interleave(scene, seeds=ORDERS) == ORDERS


def test_a_thousand_limiter_calls_keep_the_limit_in_every_order():
    """
    Every call passes once, and no window ever holds more than the limit; a cancelled waiter takes nothing.
    """

    async def scene():
        clock = LoopClock()
        window = SlidingWindowLimiter("window", limit=7, window_s=1.0, clock=clock)
        bucket = TokenBucketLimiter("bucket", rate_per_s=50.0, burst=10, clock=clock)
        passed = []

        async def one(number):
            await window.acquire()
            passed.append(clock.monotonic())
            await bucket.acquire()

        tasks = [asyncio.create_task(one(number)) for number in range(1010)]
        await asyncio.sleep(0)
        for task in tasks[500:510]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)

        assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 10
        assert len(passed) == 1000
        assert all(later - first >= 1.0 - 1e-6 for first, later in zip(passed, passed[7:], strict=False))
        assert (window.statistics().waiting, bucket.statistics().waiting) == (0, 0)

    assert interleave(scene, seeds=ORDERS) == ORDERS
