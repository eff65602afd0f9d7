"""
What is remembered for a few seconds, so that many who ask at once do not ask the world many times.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ip_monitor.domain.checks import Trigger

if TYPE_CHECKING:
    from ip_monitor.application.admin.audit import Auditor
    from ip_monitor.application.admin.ports import Engine
    from ip_monitor.domain.audit import Actor
    from ip_monitor.domain.checks import Check
    from ip_monitor.resilience.cache import CacheStatistics

NAMESPACE = "checks"
LAST = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """
    Attributes:
        stored_at: UTC.
        age_s: seconds since then.
        value: in a few words.
    """

    namespace: str
    key: str
    stored_at: datetime
    age_s: float
    value: str


class CacheAdmin:
    """
    Use cases of the cache.
    """

    def __init__(self, engine: Engine, auditor: Auditor) -> None:
        self._engine = engine
        self._auditor = auditor

    async def show(self) -> tuple[CacheEntry, ...]:
        now = self._engine.clock.time()
        return tuple(
            CacheEntry(
                namespace=record.namespace,
                key=record.key,
                stored_at=datetime.fromtimestamp(record.stored_at, UTC),
                age_s=round(max(0.0, now - record.stored_at), 3),
                value=_words(record.value),
            )
            for record in self._engine.checks.records()
        )

    async def statistics(self) -> CacheStatistics:
        return self._engine.checks.statistics()

    async def clear(self, *, by: Actor, namespace: str | None = None) -> int:
        """
        Forget everything, or one namespace; tells how many entries went.
        """
        async with self._auditor.act(by, "cache.clear", namespace or "") as act:
            count = self._engine.checks.clear(namespace=namespace)
            act.after = _went(count)
            return count

    async def cleanup(self, *, by: Actor) -> int:
        """
        Forget what is too old to be given; tells how many entries went.
        """
        async with self._auditor.act(by, "cache.cleanup") as act:
            count = self._engine.checks.cleanup()
            act.after = _went(count)
            return count

    async def refresh(self, *, by: Actor) -> Check:
        """
        Ask the world now, whatever is remembered, and remember that.

        Raises:
            RateLimitedError: too often.
        """
        async with self._auditor.act(by, "cache.refresh") as act:
            self._engine.asks.acquire_nowait()
            check = await self._engine.check(Trigger.REQUEST)
            self._engine.checks.put(LAST, check, namespace=NAMESPACE)
            act.after = check.kind.value
            return check


def _words(check: Check) -> str:
    addresses = [str(ballot.verdict.address) for ballot in check.ballots if ballot.verdict.address is not None]
    return f"check {check.number}: {check.kind.value} {', '.join(addresses)}".strip()


def _went(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'} went"
