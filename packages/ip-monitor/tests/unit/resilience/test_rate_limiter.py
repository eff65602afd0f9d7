"""
No more than so many in so long.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ip_monitor.resilience.rate_limiter import (
    LimiterRefusedError,
    RateLimitedError,
    SlidingWindowLimiter,
    TokenBucketLimiter,
)


class PlainClock:
    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@given(st.integers(1, 5), st.lists(st.floats(0, 3, allow_subnormal=False), max_size=80))
def test_no_window_ever_holds_more_than_the_limit(limit, gaps):
    """
    Wherever a window of the length is laid over what passed.
    """
    clock = PlainClock()
    limiter = SlidingWindowLimiter("x", limit=limit, window_s=2.0, clock=clock)
    passed = []
    for gap in gaps:
        clock.now += gap
        if limiter.try_acquire():
            passed.append(clock.now)

    for index, start in enumerate(passed):
        assert bisect_left(passed, start + 2.0) - index <= limit


@given(st.integers(1, 5), st.lists(st.floats(0, 3, allow_subnormal=False), max_size=80))
def test_a_bucket_never_gives_more_than_its_burst_and_its_flow(burst, gaps):
    """
    Over any stretch: at most the burst, plus what flowed meanwhile.
    """
    clock = PlainClock()
    limiter = TokenBucketLimiter("x", rate_per_s=0.5, burst=burst, clock=clock)
    passed = []
    for gap in gaps:
        clock.now += gap
        if limiter.try_acquire():
            passed.append(clock.now)

    for first, start in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + 0.5 * (passed[last] - start) + 1e-3


@pytest.fixture(params=["window", "bucket"])
def limiter(request, clock):
    if request.param == "window":
        return SlidingWindowLimiter("api", limit=3, window_s=6.0, clock=clock)
    return TokenBucketLimiter("api", rate_per_s=0.5, burst=3, clock=clock)


def test_the_limit_is_applied(limiter):
    """
    Three pass, the fourth does not, and is told when to come back.
    """
    assert [limiter.try_acquire() for _ in range(4)] == [True, True, True, False]
    with pytest.raises(RateLimitedError) as caught:
        limiter.acquire_nowait()

    assert 0 < caught.value.retry_in_s <= 6
    assert (limiter.statistics().allowed, limiter.statistics().rejected, limiter.statistics().available) == (3, 2, 0)


async def test_a_thousand_waiters_pass_in_order_and_at_the_rate(limiter, clock):
    """
    1,000 concurrent calls all succeed, in the order of arrival, within the rate.
    """
    order = []
    started = clock.now

    async def one(number):
        await limiter.acquire()
        order.append(number)

    await asyncio.gather(*(one(number) for number in range(1000)))

    assert list(range(1000)) == order
    assert 1990 <= clock.now - started <= 2000
    assert (limiter.statistics().allowed, limiter.statistics().waiting) == (1000, 0)


async def test_a_cancelled_waiter_takes_nothing(limiter):
    """
    And the one behind it moves up.
    """
    for _ in range(3):
        limiter.try_acquire()
    given_up, patient = asyncio.create_task(limiter.acquire()), asyncio.create_task(limiter.acquire())
    given_up.cancel()
    await patient
    with pytest.raises(asyncio.CancelledError):
        await given_up

    assert limiter.statistics().allowed == 4


async def test_nobody_overtakes_a_waiter(limiter, clock):
    """
    Who comes later without waiting does not take the place that a waiter is about to get.
    """
    for _ in range(3):
        limiter.try_acquire()
    waiter = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0)
    clock.now += 6

    assert not limiter.try_acquire()
    await waiter


def test_reset_gives_everything_back(limiter):
    """
    As if nothing had passed.
    """
    for _ in range(5):
        limiter.try_acquire()
    limiter.reset()

    assert (limiter.statistics().available, limiter.statistics().allowed, limiter.statistics().rejected) == (3, 0, 0)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (SlidingWindowLimiter, {"limit": 0, "window_s": 1}),
        (SlidingWindowLimiter, {"limit": 1, "window_s": 0}),
        (SlidingWindowLimiter, {"limit": 1, "window_s": float("nan")}),
        (TokenBucketLimiter, {"rate_per_s": 0, "burst": 1}),
        (TokenBucketLimiter, {"rate_per_s": 1, "burst": 0}),
    ],
)
def test_settings_out_of_range_are_refused(clock, kind, fields):
    """
    Named, with what is allowed.
    """
    with pytest.raises(LimiterRefusedError, match="give it"):
        kind("x", clock=clock, **fields)


async def test_who_waited_is_counted_and_not_as_refused(clock):
    """
    Two pass at once, one waits, one that would not wait is refused.
    """
    limiter = TokenBucketLimiter("x", rate_per_s=0.5, burst=2, clock=clock)
    for _ in range(3):
        await limiter.acquire()
    assert not limiter.try_acquire()
    row = limiter.statistics()

    assert (row.name, row.allowed, row.waited, row.rejected, row.waiting) == ("x", 3, 1, 1, 0)


def test_an_empty_bucket_says_when_the_next_token_is_there():
    """
    At half a token a second, in two seconds; the statistics see it without a call in between.
    """
    clock = PlainClock()
    limiter = TokenBucketLimiter("api", rate_per_s=0.5, burst=1, clock=clock)
    limiter.acquire_nowait()
    with pytest.raises(RateLimitedError, match=r"^api: too often; try again in 2\.0 s$") as caught:
        limiter.acquire_nowait()
    assert (caught.value.name, caught.value.retry_in_s, limiter.statistics().available) == ("api", 2.0, 0)
    clock.now += 2

    assert limiter.statistics().available == 1


def test_a_window_is_free_again_at_its_very_end():
    """
    Not a moment later, and the statistics see it without a call in between.
    """
    clock = PlainClock()
    limiter = SlidingWindowLimiter("x", limit=1, window_s=2.0, clock=clock)
    assert limiter.try_acquire()
    assert limiter.statistics().available == 0
    clock.now += 2

    assert (limiter.statistics().available, limiter.retry_in_s()) == (1, 0)
