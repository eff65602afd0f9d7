"""
Leaving alone the sources that keep failing, without ever losing a vote that is needed.

Every source has a circuit breaker. A failure counts against a source only when others of its family gave an address in
the same panel: in an outage nobody is to blame, and a monitor that then left everybody alone would see the end of it
late. An open breaker puts a source last in the order of asking. It is asked all the same when the others cannot decide,
because its weight counts whether it is asked or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.domain.answers import FailureKind
from ip_monitor.resilience.circuit_breaker import BreakerSettings, BreakerState, CircuitBreaker

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Sequence

    from ip_monitor.domain.answers import Answer, Source
    from ip_monitor.resilience.circuit_breaker import BreakerRecord, BreakerStatistics
    from ip_monitor.resilience.clock import Clock

SOURCE_BREAKER = BreakerSettings(failure_threshold=3, recovery_s=300.0, longest_recovery_s=3600.0)
"""
Three panels in a row, then five minutes, doubling up to an hour.
"""
# Names of sources come and go with the settings; what nobody asked for long is forgotten.
_MOST = 256


class SourceBreakers:
    """
    A breaker for each source, by its name. Give it to the panel as its guard.

    Args:
        rng: strays recovery times.
        on_change: called after a breaker opened or closed.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        settings: BreakerSettings = SOURCE_BREAKER,
        rng: random.Random | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._rng = rng
        self._on_change = on_change
        self._breakers: dict[str, CircuitBreaker] = {}

    def is_rested(self, source: Source) -> bool:
        breaker = self._breakers.get(source.name)
        return breaker is not None and breaker.state is BreakerState.OPEN

    def settle(self, answers: Sequence[Answer]) -> None:
        heard = {answer.source.family for answer in answers if answer.address is not None}
        is_changed = False
        for answer in answers:
            failure = answer.failure
            is_asked = failure is None or failure.kind is not FailureKind.NOT_ASKED
            if not is_asked or answer.source.family not in heard:
                continue
            breaker = self._of(answer.source.name)
            before = breaker.state is BreakerState.CLOSED
            attempt = breaker.acquire(force=True)
            if failure is None:
                attempt.succeeded()
            else:
                attempt.failed(retry_after_s=failure.retry_after_s)
            is_changed |= before != (breaker.state is BreakerState.CLOSED)
        if is_changed:
            self._on_change()

    def statistics(self) -> tuple[BreakerStatistics, ...]:
        """
        By name.
        """
        return tuple(self._breakers[name].statistics() for name in sorted(self._breakers))

    def records(self) -> tuple[BreakerRecord, ...]:
        """
        What to keep over a restart: the breakers that are not closed.
        """
        return tuple(one.record() for one in self._breakers.values() if one.state is not BreakerState.CLOSED)

    def restore(self, records: Iterable[BreakerRecord]) -> None:
        for record in records:
            self._of(record.name).restore(record)

    def reset(self) -> None:
        """
        Close and forget all.
        """
        self._breakers.clear()

    def _of(self, name: str) -> CircuitBreaker:
        if name not in self._breakers:
            if len(self._breakers) >= _MOST:
                del self._breakers[next(iter(self._breakers))]
            self._breakers[name] = CircuitBreaker(name, clock=self._clock, settings=self._settings, rng=self._rng)
        return self._breakers[name]
