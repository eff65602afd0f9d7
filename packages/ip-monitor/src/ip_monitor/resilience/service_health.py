"""
How well each service does, in five levels, and what the monitor does about it.

A service's level follows from its last outcomes: the share that failed, and how many failed in a row. It gets worse at
once and better one level at a time, each after a row of successes, so that a service that flickers does not make the
monitor flicker. The whole is as bad as its worst service, where a service that is not essential counts one level less.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ip_monitor.resilience.clock import Clock

_HISTORY = 200


class HealthLevel(IntEnum):
    NORMAL = 0
    MINOR = 1
    MODERATE = 2
    SEVERE = 3
    CRITICAL = 4


class HealthRefusedError(IPMonitorError, ValueError):
    """
    A setting of the health of services out of range.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """
    What a level does.

    Attributes:
        interval_factor: checks come this many times less often, 1 or more.
        retry_factor: pauses between retries are this many times longer, 1 or more.
        digest_notices: reminders and digests wait until the level is better; announcements of changes never do.
    """

    interval_factor: float
    retry_factor: float
    digest_notices: bool


EFFECTS: dict[HealthLevel, Effects] = {
    HealthLevel.NORMAL: Effects(interval_factor=1.0, retry_factor=1.0, digest_notices=False),
    HealthLevel.MINOR: Effects(interval_factor=1.0, retry_factor=1.0, digest_notices=False),
    HealthLevel.MODERATE: Effects(interval_factor=1.0, retry_factor=1.5, digest_notices=False),
    HealthLevel.SEVERE: Effects(interval_factor=1.5, retry_factor=2.0, digest_notices=True),
    HealthLevel.CRITICAL: Effects(interval_factor=2.0, retry_factor=4.0, digest_notices=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """
    Attributes:
        window: how many outcomes count, 1 or more.
        shares: failed shares from which a service is MINOR, MODERATE, SEVERE and CRITICAL, rising, above 0 to 1.
        rows: failures in a row from which it is at least that level, rising, 1 or more.
        recovery_successes: successes in a row for each step back, 1 or more.
    """

    window: int = 20
    shares: tuple[float, float, float, float] = (0.1, 0.25, 0.5, 0.9)
    rows: tuple[int, int, int, int] = (1, 3, 6, 12)
    recovery_successes: int = 3

    def __post_init__(self) -> None:
        if self.window < 1 or self.recovery_successes < 1:
            raise HealthRefusedError(
                f"window is {self.window} and recovery_successes is {self.recovery_successes}; give both 1 or more"
            )
        if list(self.shares) != sorted(self.shares) or not all(0 < share <= 1 for share in self.shares):
            raise HealthRefusedError(f"shares are {self.shares}; give four rising shares above 0 and up to 1")
        if list(self.rows) != sorted(self.rows) or self.rows[0] < 1:
            raise HealthRefusedError(f"rows are {self.rows}; give four rising counts of 1 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """
    A service went from one level to another; `at` is wall time, seconds since the epoch.
    """

    service: str
    before: HealthLevel
    after: HealthLevel
    at: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatistics:
    """
    `failed_share` is of the outcomes in the window, None before the first; counts are since the start or the last reset.
    """

    service: str
    level: HealthLevel
    is_essential: bool
    successes: int
    failures: int
    failed_share: float | None
    failures_in_a_row: int
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRecord:
    """
    What outlives the process of one service.
    """

    service: str
    level: HealthLevel
    is_essential: bool
    failures_in_a_row: int
    last_error: str


class _Service:
    def __init__(self, name: str, settings: HealthSettings, *, is_essential: bool) -> None:
        self.name = name
        self.is_essential = is_essential
        self.level = HealthLevel.NORMAL
        self.outcomes: deque[bool] = deque(maxlen=settings.window)
        self.successes = 0
        self.failures = 0
        self.failures_in_a_row = 0
        self.successes_in_a_row = 0
        self.last_error = ""


class ServiceHealth:
    """
    The health of all services of a monitor.
    """

    def __init__(self, *, clock: Clock, settings: HealthSettings | None = None) -> None:
        self._clock = clock
        self._settings = settings or HealthSettings()
        self._services: dict[str, _Service] = {}
        self._history: deque[Transition] = deque(maxlen=_HISTORY)

    def register(self, service: str, *, is_essential: bool = True) -> None:
        """
        Name a service before it reports. One that reports without is essential.
        """
        self._services.setdefault(service, _Service(service, self._settings, is_essential=is_essential))

    def record_success(self, service: str) -> None:
        state = self._service(service)
        state.outcomes.append(True)
        state.successes += 1
        state.failures_in_a_row = 0
        state.successes_in_a_row += 1
        if state.level > HealthLevel.NORMAL and state.successes_in_a_row >= self._settings.recovery_successes:
            state.successes_in_a_row = 0
            self._move(state, HealthLevel(state.level - 1), "it works again")
            if state.level is HealthLevel.NORMAL:
                # What failed before the recovery must not count against the service again.
                state.outcomes.clear()

    def record_failure(self, service: str, error: str = "") -> None:
        state = self._service(service)
        state.outcomes.append(False)
        state.failures += 1
        state.failures_in_a_row += 1
        state.successes_in_a_row = 0
        state.last_error = error[:200]
        level = self._level_of(state)
        if level > state.level:
            self._move(state, level, state.last_error or f"{state.failures_in_a_row} failures in a row")

    def level_of(self, service: str) -> HealthLevel:
        """
        NORMAL for one that never reported.
        """
        state = self._services.get(service)
        return HealthLevel.NORMAL if state is None else state.level

    @property
    def level(self) -> HealthLevel:
        """
        The level of the whole.
        """
        levels = [s.level if s.is_essential else max(0, s.level - 1) for s in self._services.values()]
        return HealthLevel(max(levels, default=0))

    @property
    def effects(self) -> Effects:
        return EFFECTS[self.level]

    @property
    def history(self) -> tuple[Transition, ...]:
        """
        The last 200 transitions, oldest first.
        """
        return tuple(self._history)

    def statistics(self) -> tuple[ServiceStatistics, ...]:
        return tuple(
            ServiceStatistics(
                service=state.name,
                level=state.level,
                is_essential=state.is_essential,
                successes=state.successes,
                failures=state.failures,
                failed_share=_failed_share(state),
                failures_in_a_row=state.failures_in_a_row,
                last_error=state.last_error,
            )
            for state in sorted(self._services.values(), key=lambda state: state.name)
        )

    def records(self) -> tuple[HealthRecord, ...]:
        """
        What to keep over a restart.
        """
        return tuple(
            HealthRecord(
                service=state.name,
                level=state.level,
                is_essential=state.is_essential,
                failures_in_a_row=state.failures_in_a_row,
                last_error=state.last_error,
            )
            for state in self._services.values()
        )

    def restore(self, records: Iterable[HealthRecord]) -> None:
        """
        Go on from records: a service gets better from there by its successes, as it would have without the restart.
        """
        for record in records:
            state = _Service(record.service, self._settings, is_essential=record.is_essential)
            state.level = record.level
            state.failures_in_a_row = max(0, record.failures_in_a_row)
            state.last_error = record.last_error[:200]
            self._services[record.service] = state

    def reset(self, service: str | None = None) -> None:
        """
        Forget what one service, or all of them, did. Registered services stay registered.
        """
        for name, state in list(self._services.items()):
            if service is None or name == service:
                self._services[name] = _Service(name, self._settings, is_essential=state.is_essential)
        if service is None:
            self._history.clear()

    def _service(self, name: str) -> _Service:
        self.register(name)
        return self._services[name]

    def _level_of(self, state: _Service) -> HealthLevel:
        share = _failed_share(state) or 0.0
        # A share says nothing before there is a window's worth of outcomes: the first failure would be 100 %.
        is_known = len(state.outcomes) >= min(self._settings.window, 10)
        by_share = sum(share >= bound for bound in self._settings.shares) if is_known else 0
        by_row = sum(state.failures_in_a_row >= bound for bound in self._settings.rows)
        return HealthLevel(max(by_share, by_row))

    def _move(self, state: _Service, level: HealthLevel, reason: str) -> None:
        self._history.append(
            Transition(service=state.name, before=state.level, after=level, at=self._clock.time(), reason=reason)
        )
        state.level = level


def _failed_share(state: _Service) -> float | None:
    return None if not state.outcomes else state.outcomes.count(False) / len(state.outcomes)
