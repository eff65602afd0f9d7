"""
No more than so many in so long.

`SlidingWindowLimiter` never lets more than `limit` through in any window of `window_s` seconds, wherever the window is
laid. `TokenBucketLimiter` allows a burst and then a steady rate. Waiters are served in the order in which they came.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from ip_monitor.resilience.clock import Clock


class LimiterRefusedError(IPMonitorError, ValueError):
    """
    A setting of a limiter out of range.
    """


class RateLimitedError(IPMonitorError):
    """
    Too often. `retry_in_s` says in how many seconds there is room again.
    """

    def __init__(self, name: str, retry_in_s: float) -> None:
        self.name = name
        self.retry_in_s = retry_in_s
        super().__init__(f"{name}: too often; try again in {retry_in_s:.1f} s")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterStatistics:
    """
    `available` is how many could pass now; counts are since the start or the last reset.
    """

    name: str
    available: int
    allowed: int
    rejected: int
    waited: int
    waiting: int


class RateLimiter(ABC):
    """
    What both kinds share. Times are seconds of the clock given.
    """

    def __init__(self, name: str, *, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._allowed = 0
        self._rejected = 0
        self._waited = 0

    @abstractmethod
    def retry_in_s(self) -> float:
        """
        Seconds until one more can pass; 0 when it can now.
        """

    @abstractmethod
    def _take(self) -> None: ...

    @abstractmethod
    def _available(self) -> int: ...

    @abstractmethod
    def _clear(self) -> None: ...

    def try_acquire(self) -> bool:
        """
        Pass now or not at all. Nobody passes who came after somebody who waits.
        """
        if self._waiting or self.retry_in_s() > 0:
            self._rejected += 1
            return False
        self._take()
        self._allowed += 1
        return True

    def acquire_nowait(self) -> None:
        """
        Raises:
            RateLimitedError: there is no room now.
        """
        if not self.try_acquire():
            raise RateLimitedError(self.name, self.retry_in_s())

    async def acquire(self) -> None:
        """
        Pass, waiting as long as it takes. A cancelled waiter takes nothing.
        """
        if self.try_acquire():
            return
        self._rejected -= 1
        self._waiting += 1
        try:
            # Who holds the lock sleeps for all; the lock hands over in the order of arrival.
            async with self._turn:
                while (delay_s := self.retry_in_s()) > 0:
                    await self._clock.sleep(delay_s)
                self._take()
        finally:
            self._waiting -= 1
        self._allowed += 1
        self._waited += 1

    def statistics(self) -> LimiterStatistics:
        return LimiterStatistics(
            name=self.name,
            available=self._available(),
            allowed=self._allowed,
            rejected=self._rejected,
            waited=self._waited,
            waiting=self._waiting,
        )

    def reset(self) -> None:
        """
        As if nothing had ever passed. Those who wait go on waiting for their turn.
        """
        self._allowed = self._rejected = self._waited = 0
        self._clear()


class SlidingWindowLimiter(RateLimiter):
    """
    Args:
        limit: how many in a window, 1 or more.
        window_s: its length, seconds, above 0.
    """

    def __init__(self, name: str, *, limit: int, window_s: float, clock: Clock) -> None:
        if limit < 1:
            raise LimiterRefusedError(f"{name}: limit is {limit}; give it 1 or more")
        if not (math.isfinite(window_s) and window_s > 0):
            raise LimiterRefusedError(f"{name}: window_s is {window_s}; give it seconds above 0")
        super().__init__(name, clock=clock)
        self._limit = limit
        self._window_s = window_s
        self._passed: deque[float] = deque()

    def retry_in_s(self) -> float:
        self._forget_old()
        if len(self._passed) < self._limit:
            return 0.0
        return max(math.ulp(self._clock.monotonic()), self._passed[0] + self._window_s - self._clock.monotonic())

    def _take(self) -> None:
        self._passed.append(self._clock.monotonic())

    def _available(self) -> int:
        self._forget_old()
        return self._limit - len(self._passed)

    def _clear(self) -> None:
        self._passed.clear()

    def _forget_old(self) -> None:
        now = self._clock.monotonic()
        while self._passed and self._passed[0] + self._window_s <= now:
            self._passed.popleft()


class TokenBucketLimiter(RateLimiter):
    """
    Args:
        rate_per_s: tokens that flow in each second, above 0.
        burst: tokens that fit, 1 or more; the bucket starts full.
    """

    def __init__(self, name: str, *, rate_per_s: float, burst: int, clock: Clock) -> None:
        if not (math.isfinite(rate_per_s) and rate_per_s > 0):
            raise LimiterRefusedError(f"{name}: rate_per_s is {rate_per_s}; give it a number above 0")
        if burst < 1:
            raise LimiterRefusedError(f"{name}: burst is {burst}; give it 1 or more")
        super().__init__(name, clock=clock)
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = float(burst)
        self._flowed_at = clock.monotonic()

    def retry_in_s(self) -> float:
        self._flow()
        # A millionth of a token is what rounding may lose over a long sleep.
        missing = 1.0 - self._tokens
        return 0.0 if missing <= 1e-6 else missing / self._rate_per_s

    def _take(self) -> None:
        self._tokens = max(0.0, self._tokens - 1.0)

    def _available(self) -> int:
        self._flow()
        return int(self._tokens + 1e-6)

    def _clear(self) -> None:
        self._tokens = float(self._burst)
        self._flowed_at = self._clock.monotonic()

    def _flow(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(float(self._burst), self._tokens + (now - self._flowed_at) * self._rate_per_s)
        self._flowed_at = now
