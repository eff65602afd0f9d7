"""
The announcements on their way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.application.admin.errors import AdminUnavailableError, UnknownSinkError
from ip_monitor.domain.notices import DeliveryState
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from ip_monitor.application.admin.audit import Auditor
    from ip_monitor.application.admin.ports import AdminStore, Engine
    from ip_monitor.application.delivery import Delivery
    from ip_monitor.application.quiet import QuietStatus
    from ip_monitor.domain.audit import Actor

STOPPED = "queue_stopped"
"""
Under this name it is kept that the queue was stopped.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkStatus:
    """
    How many announcements of one sink are in which state. `is_quiet` tells that what is pending waits because it is
    muted, or because of quiet hours; `is_set` that the settings name this sink now.
    """

    sink: str
    pending: int
    delivered: int
    failed: int
    expired: int
    is_quiet: bool
    is_set: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    is_stopped: bool
    quiet: QuietStatus
    sinks: tuple[SinkStatus, ...]


class QueueAdmin:
    """
    Use cases of the queue. All work while announcements are being sent.
    """

    def __init__(self, engine: Engine, store: AdminStore, auditor: Auditor) -> None:
        self._engine = engine
        self._store = store
        self._auditor = auditor

    async def status(self) -> QueueStatus:
        """
        By sink, in the order of their names.
        """
        delivery = self._engine.delivery
        counts = await self._store.count_deliveries()
        known = () if delivery is None else delivery.sinks
        return QueueStatus(
            is_stopped=await self._is_stopped(),
            quiet=self._engine.quiet.status(),
            sinks=tuple(
                SinkStatus(
                    sink=sink,
                    pending=counts.get(sink, {}).get(DeliveryState.PENDING, 0),
                    delivered=counts.get(sink, {}).get(DeliveryState.DELIVERED, 0),
                    failed=counts.get(sink, {}).get(DeliveryState.FAILED, 0),
                    expired=counts.get(sink, {}).get(DeliveryState.EXPIRED, 0),
                    is_quiet=self._engine.quiet.remaining_s(sink) > 0,
                    is_set=sink in known,
                )
                for sink in sorted({*counts, *known})
            ),
        )

    async def clear(self, *, by: Actor, sink: str | None = None) -> int:
        """
        Give up what is still to be sent; it stays on record. Tells how many there were.

        Raises:
            UnknownSinkError: there is no such sink.
        """
        async with self._auditor.act(by, "queue.clear", sink or "") as act:
            await self._check_sink(sink)
            count = await self._store.clear_pending(at=utc_now(self._engine.clock), sink=sink)
            self._revise()
            act.after = f"gave up {count}"
            return count

    async def retry(self, *, by: Actor, sink: str | None = None) -> int:
        """
        Make what was refused, or waits for its next try, due now. Tells how many there were.

        Raises:
            UnknownSinkError: there is no such sink.
        """
        async with self._auditor.act(by, "queue.retry", sink or "") as act:
            await self._check_sink(sink)
            count = await self._store.retry_failed(at=utc_now(self._engine.clock), sink=sink)
            self._revise()
            act.after = f"{count} due now"
            return count

    async def stop(self, *, by: Actor) -> QueueStatus:
        """
        Send nothing more until `start`, also after a restart. Changes go on being queued; nothing is lost.
        """
        async with self._auditor.act(by, "queue.stop") as act:
            delivery = self._delivery()
            act.before, act.after = await self._state(), "stopped"
            await self._store.save_state(STOPPED, "1")
            delivery.stop()
            return await self.status()

    async def start(self, *, by: Actor) -> QueueStatus:
        """
        Send again.
        """
        async with self._auditor.act(by, "queue.start") as act:
            delivery = self._delivery()
            act.before, act.after = await self._state(), "started"
            await self._store.save_state(STOPPED, None)
            delivery.start()
            return await self.status()

    async def _state(self) -> str:
        return "stopped" if await self._is_stopped() else "started"

    async def _is_stopped(self) -> bool:
        return STOPPED in await self._store.load_state()

    def _delivery(self) -> Delivery:
        if self._engine.delivery is None:
            raise AdminUnavailableError("nothing is announced from here: another process does.")
        return self._engine.delivery

    async def _check_sink(self, sink: str | None) -> None:
        known = {*await self._store.count_deliveries(), *self._delivery().sinks}
        if sink is not None and sink not in known:
            raise UnknownSinkError(sink, known)

    def _revise(self) -> None:
        if self._engine.delivery is not None:
            self._engine.delivery.revise()
