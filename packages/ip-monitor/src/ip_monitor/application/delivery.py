"""
Sending what is in the outbox, each sink on its own, until it is acknowledged.

A sink hears its changes in order: while the oldest one is being retried the younger ones of the same sink wait, and
no other sink does. What was sent but could not be marked as sent is marked again and not sent again, as long as this
process lives; after a crash it is sent once more under the same key.
"""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from ip_monitor.application.ports import DeliveryFailedError, StorageUnavailableError
from ip_monitor.domain.events import NoticeDelivered, NoticeFailed
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.ports import Clock, Notifier, Outbox
    from ip_monitor.domain.notices import Notice

_T = TypeVar("_T")
SEND_TIMEOUT_S = 15.0
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 300.0
# A receiver may ask for more patience than our own backoff has, but not for ever.
LONGEST_RETRY_AFTER_S = 3600.0
_LARGEST_EXPONENT = 16


class Delivery:
    """
    Args:
        outbox: the deliveries, written with their changes.
        notifiers: the sinks, by their names in the outbox.
        rng: strays the pauses between tries, so that a receiver that comes back is not hit by all at once.
        send_timeout_s: for one try, seconds.
    """

    def __init__(
        self,
        outbox: Outbox,
        notifiers: Sequence[Notifier],
        *,
        announcer: Announcer,
        clock: Clock,
        rng: random.Random | None = None,
        send_timeout_s: float = SEND_TIMEOUT_S,
    ) -> None:
        self._outbox = outbox
        self._notifiers = {notifier.name: notifier for notifier in notifiers}
        self._announcer = announcer
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - spreads load; nothing secret depends on it
        self._send_timeout_s = send_timeout_s
        self._wake = {name: asyncio.Event() for name in self._notifiers}
        # `run` and `drain` may overlap; a notice must not be sent by both.
        self._turn = {name: asyncio.Lock() for name in self._notifiers}

    @property
    def sinks(self) -> tuple[str, ...]:
        return tuple(self._notifiers)

    def wake(self) -> None:
        """
        There is something new in the outbox.
        """
        for event in self._wake.values():
            event.set()

    async def run(self) -> None:
        """
        Send until cancelled. No failure of a sink or of storage ends it.
        """
        async with asyncio.TaskGroup() as group:
            for notifier in self._notifiers.values():
                group.create_task(self._serve(notifier), name=f"ip-monitor-delivery-{notifier.name}")

    async def drain(self) -> None:
        """
        Send what is pending until every sink's outbox is empty: for a single check that wants to announce and leave.
        """
        await asyncio.gather(*(self._empty(notifier) for notifier in self._notifiers.values()))

    async def _serve(self, notifier: Notifier) -> None:
        event = self._wake[notifier.name]
        while True:
            event.clear()
            await self._empty(notifier)
            await event.wait()

    async def _empty(self, notifier: Notifier) -> None:
        async with self._turn[notifier.name]:
            while notices := await self._persist(lambda: self._outbox.pending_notices(sink=notifier.name)):
                for notice in notices:
                    await self._wait_until_due(notice)
                    await self._deliver(notifier, notice)

    async def _wait_until_due(self, notice: Notice) -> None:
        # Only rows of an earlier process are not due yet. The wall clock may have jumped since, so the longest pause
        # that anything ever gets bounds the wait.
        wait_s = (notice.due_at - utc_now(self._clock)).total_seconds()
        if wait_s > 0 and notice.attempts > 0:
            await self._clock.sleep(min(wait_s, LONGEST_RETRY_S))

    async def _deliver(self, notifier: Notifier, notice: Notice) -> None:
        attempts = notice.attempts
        while (failure := await self._try(notifier, notice)) is not None:
            if failure.is_permanent:
                await self._give_up(notice, failure.reason)
                return
            attempts += 1
            await self._retry_later(notice, failure.reason, self._pause_s(attempts, failure.retry_after_s))
        at = utc_now(self._clock)
        await self._persist(lambda: self._outbox.mark_delivered(notice, at=at))
        self._announcer.tell(NoticeDelivered(notice=notice, at=at))

    async def _give_up(self, notice: Notice, reason: str) -> None:
        at = utc_now(self._clock)
        await self._persist(lambda: self._outbox.mark_failed(notice, at=at, reason=reason))
        self._announcer.tell(NoticeFailed(notice=notice, at=at, reason=reason, retry_at=None))

    async def _retry_later(self, notice: Notice, reason: str, pause_s: float) -> None:
        at = utc_now(self._clock)
        due_at = at + timedelta(seconds=pause_s)
        await self._persist(lambda: self._outbox.mark_retry(notice, due_at=due_at, reason=reason))
        self._announcer.tell(NoticeFailed(notice=notice, at=at, reason=reason, retry_at=due_at))
        await self._clock.sleep(pause_s)

    async def _try(self, notifier: Notifier, notice: Notice) -> DeliveryFailedError | None:
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await notifier.send(notice)
        except DeliveryFailedError as error:
            return error
        except TimeoutError:
            return DeliveryFailedError(f"{notifier.name} did not acknowledge within {self._send_timeout_s:g} s")
        except Exception as error:  # noqa: BLE001 - a defect of one sink must not lose its notices
            return DeliveryFailedError(f"{notifier.name} failed: {type(error).__name__}: {error}")
        return None

    def _pause_s(self, attempts: int, retry_after_s: float | None) -> float:
        backoff_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(attempts - 1, _LARGEST_EXPONENT))
        backoff_s *= self._rng.uniform(0.5, 1.0)
        return max(backoff_s, min(retry_after_s or 0.0, LONGEST_RETRY_AFTER_S))

    async def _persist(self, action: Callable[[], Awaitable[_T]]) -> _T:
        """
        Repeat a reading or writing of the outbox until storage does it.
        """
        attempts = 0
        while True:
            try:
                result = await action()
            except StorageUnavailableError as error:
                attempts += 1
                self._announcer.trouble("delivery", what=str(error))
                await self._clock.sleep(self._pause_s(attempts, None))
            else:
                self._announcer.fine("delivery")
                return result
