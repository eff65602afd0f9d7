"""
How well everything around the monitor does, from what it tells: the level of each service, who is left alone, and what
follows from it.

    the interval of checks      longer while storage, or the asking of every family, is in serious trouble
    pauses between retries      longer with the level of what is retried
    announcements of changes    never dropped and never held back
    reminders                   wait while the whole is in serious trouble

A sink in trouble never slows the checks, and a family in trouble does not slow the other one.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ip_monitor.application.guarding import SourceBreakers
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.events import CheckFinished, NoticeDelivered, NoticeFailed, Trouble
from ip_monitor.resilience.circuit_breaker import BreakerRecord, BreakerSettings, BreakerState, CircuitBreaker
from ip_monitor.resilience.service_health import EFFECTS, Effects, HealthLevel, HealthRecord, ServiceHealth

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from ip_monitor.application.ports import Clock
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.events import Event
    from ip_monitor.resilience.circuit_breaker import BreakerStatistics

STORAGE = "storage"
STANDING = "standing"
"""
Under this name it is kept.
"""
SINK_BREAKER = BreakerSettings(failure_threshold=5, recovery_s=30.0, longest_recovery_s=300.0)
"""
Five failures in a row, then half a minute, doubling up to five minutes: nothing that was announced waits longer for a
receiver that is back.
"""
_STORAGE_TOPICS = frozenset({"storage", "delivery", "upkeep", "reminders", "check"})
_SHOWN_TRANSITIONS = 20


class Standing:
    """
    Observes; give it to the announcer.

    Args:
        rng: strays the recovery times of breakers.
    """

    def __init__(self, *, clock: Clock, rng: random.Random | None = None) -> None:
        self._clock = clock
        self._rng = rng
        self._changed = asyncio.Event()
        self._is_storage_well = True
        self._kept = ""
        self.health = ServiceHealth(clock=clock)
        self.health.register(STORAGE)
        self.sources = SourceBreakers(clock=clock, rng=rng, on_change=self._changed.set)
        self._sinks: dict[str, CircuitBreaker] = {}

    def sink(self, name: str) -> CircuitBreaker:
        """
        The breaker of a sink, the same for the whole life whatever settings are taken over.
        """
        if name not in self._sinks:
            self._sinks[name] = CircuitBreaker(name, clock=self._clock, settings=SINK_BREAKER, rng=self._rng)
            self.health.register(_sink_service(name), is_essential=False)
        return self._sinks[name]

    def pace(self) -> Effects:
        """
        What holds for checks.
        """
        families = [self.health.level_of(family.label) for family in Family if self._is_known(family)]
        asking = min(families, default=HealthLevel.NORMAL)
        return EFFECTS[max(asking, self.health.level_of(STORAGE))]

    def patience(self, sink: str) -> float:
        """
        How many times longer the pauses between tries of a sink are.
        """
        return EFFECTS[self.health.level_of(_sink_service(sink))].retry_factor

    def observe(self, event: Event) -> None:
        match event:
            case CheckFinished():
                for ballot in event.check.ballots:
                    self._count(ballot)
                if self._is_storage_well:
                    self.health.record_success(STORAGE)
                self._is_storage_well = True
            case Trouble() if event.topic in _STORAGE_TOPICS:
                self._is_storage_well = False
                self.health.record_failure(STORAGE, event.what)
            case NoticeDelivered():
                self.health.record_success(_sink_service(event.notice.sink))
            case NoticeFailed() if event.reason != "expired":
                self.health.record_failure(_sink_service(event.notice.sink), event.reason)
            case _:
                return
        self._changed.set()

    def breakers(self) -> dict[str, BreakerStatistics]:
        """
        Of every source that was asked, and of every sink, by what they guard.
        """
        breakers = {f"source {one.name}": one for one in self.sources.statistics()}
        return breakers | {_sink_service(name): self._sinks[name].statistics() for name in sorted(self._sinks)}

    def report(self) -> dict[str, Any]:
        """
        As it is shown and kept, in JSON's terms.
        """
        return {
            "level": self.health.level.name.lower(),
            "services": {
                one.service: {
                    "level": one.level.name.lower(),
                    "failures_in_a_row": one.failures_in_a_row,
                    "last_error": one.last_error,
                }
                for one in self.health.statistics()
            },
            "breakers": {
                name: {"state": one.state.value, "failures_in_a_row": one.failures_in_a_row}
                for name, one in self.breakers().items()
                if one.state is not BreakerState.CLOSED or one.failures_in_a_row
            },
            "history": [
                {
                    "service": one.service,
                    "before": one.before.name.lower(),
                    "after": one.after.name.lower(),
                    "at": one.at,
                    "reason": one.reason,
                }
                for one in self.health.history[-_SHOWN_TRANSITIONS:]
            ],
        }

    def text(self) -> str:
        """
        What outlives a restart.
        """
        kept = {
            "report": self.report(),
            "sources": [asdict(record) for record in self.sources.records()],
            "sinks": [asdict(one.record()) for one in self._sinks.values() if one.state is not BreakerState.CLOSED],
            "health": [{**asdict(record), "level": record.level.value} for record in self.health.records()],
        }
        return json.dumps(kept, separators=(",", ":"))

    def restore(self, text: str | None) -> None:
        """
        Go on from what was kept. What cannot be read, as after a change of versions, is forgotten: it only costs tries.
        """
        if not text:
            return
        try:
            kept = json.loads(text)
            self.sources.restore(BreakerRecord(**entry) for entry in kept["sources"])
            for entry in kept["sinks"]:
                record = BreakerRecord(**entry)
                self.sink(record.name).restore(record)
            self.health.restore(_health_record(entry) for entry in kept["health"])
        except (ValueError, TypeError, KeyError, AttributeError):
            self.sources.reset()
            self._sinks.clear()
            self.health.reset()

    async def keep(self, save: Callable[[str, str], Awaitable[None]]) -> None:
        """
        Write it down if it changed since it was written last. Storage that is unavailable is tried at the next change.
        """
        text = self.text()
        if text == self._kept:
            return
        try:
            await save(STANDING, text)
        except StorageUnavailableError:
            return
        self._kept = text

    async def run(self, save: Callable[[str, str], Awaitable[None]]) -> None:
        """
        Keep it as it changes, until cancelled.
        """
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.keep(save)

    def _is_known(self, family: Family) -> bool:
        return any(one.service == family.label for one in self.health.statistics())

    def _count(self, ballot: Ballot) -> None:
        # A machine that never had IPv6 is not in trouble because it has none.
        if ballot.previous is None and not ballot.verdict.kind.is_known:
            return
        if ballot.verdict.is_decisive:
            self.health.record_success(ballot.family.label)
        else:
            self.health.record_failure(ballot.family.label, ballot.verdict.reason)


def _sink_service(name: str) -> str:
    return f"sink {name}"


def _health_record(entry: dict[str, Any]) -> HealthRecord:
    return HealthRecord(
        service=entry["service"],
        level=HealthLevel(entry["level"]),
        is_essential=bool(entry["is_essential"]),
        failures_in_a_row=int(entry["failures_in_a_row"]),
        last_error=str(entry["last_error"]),
    )
