"""
Rate limits as real services have them: what is counted, when the count is forgotten, what the client is told.

    fixed_window     so many a window; the count falls to 0 when the next window begins
    sliding_window   so many in any stretch of that length, by the time of each request
    token_bucket     a bucket of `burst` tokens, refilled at `rate` a second; each request takes one
    quota            so many a calendar minute, hour, day or month, in UTC

Several limits together form a `RateLimiter`: a request is counted by all of them or, when one refuses, by none.
Counts are kept by key, which the server chooses: the client's label, its address, a header.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, Protocol

from hermetic.world.http import bounds
from hermetic.world.http.errors import BoundsError

Period = Literal["minute", "hour", "day", "month"]
# What sums of floats may lose; a bucket that is full but for this counts as full.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Instant:
    """
    Now, on both clocks: `monotonic_s` for lengths of time, `epoch_s` for windows that follow the calendar.
    """

    monotonic_s: float
    epoch_s: float


@dataclass(frozen=True, slots=True)
class Standing:
    """
    Where a key stands with one limit, in whole requests and in seconds.

    `reset_s` is until the limit is whole again; `retry_after_s` until one more request is allowed, 0 when it is now.
    """

    limit: int
    remaining: int
    reset_s: float
    retry_after_s: float


class Meter(Protocol):
    """
    One key's count under one limit.
    """

    def look(self, now: Instant, /) -> Standing: ...

    def charge(self, now: Instant, /) -> None: ...


class Limit(Protocol):
    """
    A rule; it makes a meter a key. `window_s` is the length that the policy header tells.
    """

    @property
    def name(self) -> str: ...

    @property
    def quota(self) -> int: ...

    @property
    def window_s(self) -> float: ...

    def meter(self) -> Meter: ...


@dataclass(frozen=True, slots=True)
class FixedWindow:
    """
    Windows begin with a key's first request, or when `aligned` at multiples of `window_s` since the Unix epoch.
    """

    quota: int
    window_s: float
    aligned: bool = False
    name: str = "fixed"

    def meter(self) -> Meter:
        return _FixedMeter(self)


@dataclass(slots=True)
class _FixedMeter:
    rule: FixedWindow
    ends: float = -math.inf
    used: int = 0

    def look(self, now: Instant, /) -> Standing:
        clock = now.epoch_s if self.rule.aligned else now.monotonic_s
        if clock >= self.ends:
            window = self.rule.window_s
            self.used, self.ends = 0, (clock // window + 1) * window if self.rule.aligned else clock + window
        remaining = self.rule.quota - self.used
        reset = self.ends - clock
        return Standing(self.rule.quota, remaining, reset, 0.0 if remaining else reset)

    def charge(self, _now: Instant, /) -> None:
        self.used += 1


@dataclass(frozen=True, slots=True)
class SlidingWindow:
    """
    At most `quota` in any `window_s` seconds, exactly: the time of each counted request is kept.
    """

    quota: int
    window_s: float
    name: str = "sliding"

    def meter(self) -> Meter:
        return _SlidingMeter(self)


@dataclass(slots=True)
class _SlidingMeter:
    rule: SlidingWindow
    times: deque[float] = field(default_factory=deque)

    def look(self, now: Instant, /) -> Standing:
        while self.times and self.times[0] + self.rule.window_s <= now.monotonic_s:
            self.times.popleft()
        remaining = self.rule.quota - len(self.times)
        until = [
            moment + self.rule.window_s - now.monotonic_s for moment in (*self.times,)[:: max(1, len(self.times) - 1)]
        ]
        return Standing(self.rule.quota, remaining, until[-1] if until else 0.0, 0.0 if remaining else until[0])

    def charge(self, now: Instant, /) -> None:
        self.times.append(now.monotonic_s)


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """
    `quota` is the bucket's size (the burst), `rate` how many tokens come back a second.
    """

    quota: int
    rate: float
    name: str = "bucket"

    @property
    def window_s(self) -> float:
        return self.quota / self.rate

    def meter(self) -> Meter:
        return _BucketMeter(self, tokens=float(self.quota))


@dataclass(slots=True)
class _BucketMeter:
    rule: TokenBucket
    tokens: float
    filled: float | None = None

    def look(self, now: Instant, /) -> Standing:
        if self.filled is not None:
            self.tokens = min(self.rule.quota, self.tokens + (now.monotonic_s - self.filled) * self.rule.rate)
        self.filled = now.monotonic_s
        remaining = math.floor(self.tokens + _SLACK)
        missing = 0.0 if remaining else (1 - self.tokens) / self.rule.rate
        return Standing(self.rule.quota, remaining, (self.rule.quota - self.tokens) / self.rule.rate, missing)

    def charge(self, _now: Instant, /) -> None:
        self.tokens = max(0.0, self.tokens - 1)


@dataclass(frozen=True, slots=True)
class Quota:
    """
    So many a calendar period in UTC, as in "1,000 a day".
    """

    quota: int
    period: Period = "day"
    name: str = "quota"

    @property
    def window_s(self) -> float:
        return {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "month": 30 * 86400.0}[self.period]

    def meter(self) -> Meter:
        return _QuotaMeter(self)


@dataclass(slots=True)
class _QuotaMeter:
    rule: Quota
    ends: float = -math.inf
    used: int = 0

    def look(self, now: Instant, /) -> Standing:
        if now.epoch_s >= self.ends:
            self.used, self.ends = 0, _end_of(self.rule.period, now.epoch_s)
        remaining = self.rule.quota - self.used
        reset = self.ends - now.epoch_s
        return Standing(self.rule.quota, remaining, reset, 0.0 if remaining else reset)

    def charge(self, _now: Instant, /) -> None:
        self.used += 1


@dataclass(frozen=True, slots=True)
class Allowance:
    """
    The answer to one request: allowed or not, and where its key stands with each limit, by the limit's name.
    """

    is_allowed: bool
    standings: tuple[tuple[Limit, Standing], ...]

    @property
    def tightest(self) -> tuple[Limit, Standing]:
        """
        The limit that refuses longest, else the one with the fewest requests left.
        """
        return min(self.standings, key=lambda pair: (-pair[1].retry_after_s, pair[1].remaining))

    @property
    def retry_after_s(self) -> float:
        """
        Seconds until the next request is allowed by every limit.
        """
        return max(standing.retry_after_s for _, standing in self.standings)

    @property
    def retry_after_if_refused(self) -> float:
        """
        0 for a request that was allowed, even when the next one will not be.
        """
        return 0.0 if self.is_allowed else self.retry_after_s


class RateLimiter:
    """
    Limits with their counts, by key.
    """

    def __init__(self, *limits: Limit) -> None:
        if not limits:
            raise BoundsError(where="RateLimiter(limits)", value=limits, allowed="one limit or more")
        for limit in limits:
            if not callable(getattr(limit, "meter", None)):
                raise BoundsError(
                    where="RateLimiter(limits)", value=limit, allowed="limits such as fixed_window(10, 60)"
                )
        names = [limit.name for limit in limits]
        for name in names:
            # They become structured-field strings. Source: RFC 9651, 3.3.3.
            if not name.isascii() or not name.isprintable() or not name or set(name) & {'"', "\\"}:
                allowed = "printable ASCII without quotes and backslashes"
                raise BoundsError(where="the name of a limit", value=name, allowed=allowed)
        if len(set(names)) < len(names):
            raise BoundsError(where="RateLimiter(limits)", value=names, allowed="limits of different names (name=…)")
        self.limits = limits
        self.refused = 0
        self._meters: dict[str, tuple[Meter, ...]] = {}

    def take(self, key: str, now: Instant) -> Allowance:
        """
        Count one request of `key`, if every limit allows it. The standings are those after it was counted.
        """
        meters = self._meters.get(key)
        if meters is None:
            meters = self._meters[key] = tuple(limit.meter() for limit in self.limits)
        before = [meter.look(now) for meter in meters]
        allowed = all(standing.remaining > 0 for standing in before)
        if allowed:
            for meter in meters:
                meter.charge(now)
        else:
            self.refused += 1
        after = [meter.look(now) for meter in meters] if allowed else before
        return Allowance(allowed, tuple(zip(self.limits, after, strict=True)))

    def __repr__(self) -> str:
        names = ", ".join(f"{limit.name} {limit.quota}/{limit.window_s:g} s" for limit in self.limits)
        return f"<RateLimiter {names} [{len(self._meters)} keys, {self.refused} refused]>"


def fixed_window(quota: int, window_s: float, *, aligned: bool = False, name: str = "fixed") -> FixedWindow:
    """
    `quota` requests a window of `window_s` seconds.
    """
    bounds.count(quota, where="fixed_window(quota)")
    return FixedWindow(quota, bounds.duration(window_s, where="fixed_window(window_s)", zero=False), aligned, name)


def sliding_window(quota: int, window_s: float, *, name: str = "sliding") -> SlidingWindow:
    """
    `quota` requests in any `window_s` seconds.
    """
    bounds.count(quota, where="sliding_window(quota)")
    return SlidingWindow(quota, bounds.duration(window_s, where="sliding_window(window_s)", zero=False), name)


def token_bucket(rate: float, *, burst: int, name: str = "bucket") -> TokenBucket:
    """
    `burst` requests at once, then `rate` a second.
    """
    bounds.count(burst, where="token_bucket(burst)")
    per_second = bounds.number(rate, where="token_bucket(rate)")
    if per_second <= 0:
        raise BoundsError(where="token_bucket(rate)", value=rate, allowed="requests a second, more than 0")
    return TokenBucket(burst, per_second, name)


def quota(limit: int, period: Period = "day", *, name: str = "quota") -> Quota:
    """
    `limit` requests a calendar period in UTC.
    """
    bounds.count(limit, where="quota(limit)")
    if period not in {"minute", "hour", "day", "month"}:
        raise BoundsError(where="quota(period)", value=period, allowed="'minute', 'hour', 'day' or 'month'")
    return Quota(limit, period, name)


def _end_of(period: Period, epoch_s: float) -> float:
    if period != "month":
        length = {"minute": 60, "hour": 3600, "day": 86400}[period]
        return (epoch_s // length + 1) * length
    now = time.gmtime(epoch_s)
    year, month = (now.tm_year + 1, 1) if now.tm_mon == 12 else (now.tm_year, now.tm_mon + 1)
    return _days_from_epoch(year, month) * 86400.0


def _days_from_epoch(year: int, month: int) -> int:
    """
    Days from 1970-01-01 to the first of that month. Source: the Gregorian rule, every month shifted to end the
    year with February.
    """
    shifted = year - (month <= 2)
    day_of_year = (153 * ((month - 3) % 12) + 2) // 5
    return 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + day_of_year - 719468
