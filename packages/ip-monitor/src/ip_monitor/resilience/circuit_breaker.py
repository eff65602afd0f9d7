"""
Leaving alone what keeps failing.

    closed ──(failures in a row reach the threshold)──▶ open ──(recovery time over)──▶ half-open
      ▲                                                   ▲                                │
      └──────────────(the one probe succeeds)─────────────┼────────────────────────────────┤
                                                          └──────(the one probe fails)─────┘

Each time the probe fails the recovery time doubles, up to a bound; a success sets it back. What counts as a failure is
for the caller to say: an exception always does, and so does a result that `is_failure` names, because a service that
answers without an answer has failed.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ip_monitor.resilience.clock import Clock

T = TypeVar("T")


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Outcome(StrEnum):
    """
    How an attempt ended.
    """

    SUCCESS = "success"
    FAILURE = "failure"
    NONE = "none"


class CircuitOpenError(IPMonitorError):
    """
    The breaker lets nothing through now.

    Attributes:
        name: of the breaker.
        retry_in_s: seconds until it lets a probe through; 0 while somebody else's probe is under way.
    """

    def __init__(self, name: str, retry_in_s: float) -> None:
        self.name = name
        self.retry_in_s = retry_in_s
        super().__init__(f"{name} failed too often and is left alone for another {retry_in_s:.1f} s")


class BreakerRefusedError(IPMonitorError, ValueError):
    """
    A setting of a breaker out of range.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """
    Attributes:
        failure_threshold: failures in a row that open it, 1 or more.
        recovery_s: how long it stays open the first time, seconds, above 0.
        longest_recovery_s: the bound of the doubling.
        jitter: up to this share is added to each recovery time, 0 to 1, so that many breakers do not probe together.
    """

    failure_threshold: int = 5
    recovery_s: float = 60.0
    longest_recovery_s: float = 3600.0
    jitter: float = 0.1

    def __post_init__(self) -> None:
        if self.failure_threshold < 1:
            raise BreakerRefusedError(f"failure_threshold is {self.failure_threshold}; give it 1 or more")
        if not (math.isfinite(self.recovery_s) and 0 < self.recovery_s <= self.longest_recovery_s):
            raise BreakerRefusedError(
                f"recovery_s is {self.recovery_s}; give it seconds above 0 and up to longest_recovery_s, "
                f"{self.longest_recovery_s:g}"
            )
        if not 0 <= self.jitter <= 1:
            raise BreakerRefusedError(f"jitter is {self.jitter}; give it a share from 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStatistics:
    """
    `retry_in_s` is 0 unless open. Counts are since the start or the last reset.
    """

    name: str
    state: BreakerState
    failures_in_a_row: int
    successes: int
    failures: int
    rejections: int
    openings: int
    retry_in_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRecord:
    """
    What outlives the process. `open_until` is wall time, seconds since the epoch, None when closed.
    """

    name: str
    failures_in_a_row: int
    openings_in_a_row: int
    open_until: float | None


class Attempt:
    """
    Leave to try once. Report how it ended with one of `succeeded`, `failed` and `abandoned`; only the first report
    counts. An attempt that began before the breaker opened is a straggler: it is counted and moves nothing.
    """

    def __init__(self, settle: Callable[[Outcome, float], None]) -> None:
        self._settle = settle
        self._is_reported = False

    def succeeded(self) -> None:
        self._report(Outcome.SUCCESS)

    def failed(self, *, retry_after_s: float | None = None) -> None:
        """
        `retry_after_s` is how long the service wants to be left alone: it opens the breaker at once, for that long, up
        to the longest recovery time.
        """
        self._report(Outcome.FAILURE, retry_after_s or 0.0)

    def abandoned(self) -> None:
        """
        It ended without an outcome, as when it was cancelled: the next one may probe.
        """
        self._report(Outcome.NONE)

    def _report(self, outcome: Outcome, retry_after_s: float = 0.0) -> None:
        if not self._is_reported:
            self._is_reported = True
            self._settle(outcome, retry_after_s)


class CircuitBreaker:
    """
    Not tied to a task: whoever got an attempt reports how it ended.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        settings: BreakerSettings | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.name = name
        self._clock = clock
        self._settings = settings or BreakerSettings()
        self._rng = rng or random.Random()  # noqa: S311 - spreads load; nothing secret depends on it
        # Counts the resets, openings and probes; an attempt of an earlier count is a straggler. A closing needs no count of
        # its own, since the probe that closes is the only attempt of its count.
        self._generation: int = 0
        self.reset()

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self.name!r} {self.state} after {self._in_a_row} failures in a row>"

    def reset(self) -> None:
        """
        Closed, and everything forgotten.
        """
        self._generation += 1
        self._in_a_row = 0
        self._openings_in_a_row = 0
        self._open_until: float | None = None
        self._is_probing = False
        self._successes = 0
        self._failures = 0
        self._rejections = 0
        self._openings = 0

    @property
    def state(self) -> BreakerState:
        if self._open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock.monotonic() < self._open_until else BreakerState.HALF_OPEN

    def acquire(self, *, force: bool = False) -> Attempt:
        """
        Leave to try once. With `force` also while it is open, as a probe before its time: for when nobody else is left.

        Raises:
            CircuitOpenError: open, or half-open while another probe is under way.
        """
        state = self.state
        if not force and (state is BreakerState.OPEN or self._is_probing):
            self._rejections += 1
            raise CircuitOpenError(self.name, self._retry_in_s())
        if state is not BreakerState.CLOSED:
            self._is_probing = True
            self._generation += 1
        return Attempt(partial(self._settle, self._generation))

    async def call(
        self, work: Callable[[], Awaitable[T]], *, is_failure: Callable[[T], bool] = lambda result: result is None
    ) -> T:
        """
        Run `work` through the breaker. By default a result of None is a failure.

        Raises:
            CircuitOpenError: `work` was not started.
            Exception: what `work` raises, counted as a failure. A cancellation is neither success nor failure.
        """
        attempt = self.acquire()
        try:
            result = await work()
        except Exception:
            attempt.failed()
            raise
        except BaseException:
            attempt.abandoned()
            raise
        if is_failure(result):
            attempt.failed()
        else:
            attempt.succeeded()
        return result

    def _settle(self, generation: int, outcome: Outcome, retry_after_s: float) -> None:
        self._successes += outcome is Outcome.SUCCESS
        self._failures += outcome is Outcome.FAILURE
        if generation != self._generation:
            return
        if outcome is Outcome.SUCCESS:
            self._close()
        elif outcome is Outcome.NONE:
            self._is_probing = False
        else:
            self._in_a_row += 1
            if self._is_probing or self._in_a_row >= self._settings.failure_threshold or retry_after_s > 0:
                self._open(retry_after_s)

    def _close(self) -> None:
        self._is_probing = False
        self._in_a_row = 0
        self._openings_in_a_row = 0
        self._open_until = None

    def statistics(self) -> BreakerStatistics:
        return BreakerStatistics(
            name=self.name,
            state=self.state,
            failures_in_a_row=self._in_a_row,
            successes=self._successes,
            failures=self._failures,
            rejections=self._rejections,
            openings=self._openings,
            retry_in_s=self._retry_in_s(),
        )

    def record(self) -> BreakerRecord:
        """
        What to keep over a restart.
        """
        return BreakerRecord(
            name=self.name,
            failures_in_a_row=self._in_a_row,
            openings_in_a_row=self._openings_in_a_row,
            open_until=None if self._open_until is None else self._clock.time() + self._retry_in_s(),
        )

    def restore(self, record: BreakerRecord) -> None:
        """
        Go on from a record. The wall clock may have jumped meanwhile, so it never stays open longer than the longest
        recovery time.
        """
        self.reset()
        self._in_a_row = max(0, record.failures_in_a_row)
        self._openings_in_a_row = max(0, record.openings_in_a_row)
        if record.open_until is not None:
            remaining = record.open_until - self._clock.time()
            remaining = min(max(0.0, remaining), self._settings.longest_recovery_s)
            self._open_until = self._clock.monotonic() + remaining

    def _retry_in_s(self) -> float:
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock.monotonic())

    def _open(self, retry_after_s: float) -> None:
        settings = self._settings
        # Beyond 2 ** 32 times every recovery time has met its bound.
        doubled = settings.recovery_s * 2.0 ** min(self._openings_in_a_row, 32)
        recovery_s = min(max(doubled, retry_after_s), settings.longest_recovery_s)
        recovery_s *= 1 + settings.jitter * self._rng.random()
        self._is_probing = False
        self._generation += 1
        self._openings += 1
        self._openings_in_a_row += 1
        self._open_until = self._clock.monotonic() + min(recovery_s, settings.longest_recovery_s)
