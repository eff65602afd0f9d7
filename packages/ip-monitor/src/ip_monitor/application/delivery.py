"""
Sending what is in the outbox, each sink on its own, until it is acknowledged.

A sink hears its changes in order: while the oldest one is being retried the younger ones of the same sink wait, and
no other sink does. What was sent but could not be marked as sent is marked again and not sent again, as long as this
process lives; after a crash it is sent once more under the same key. Who ends a delivery waits for the try that is under way, for
`FINISH_S` at most: what was acknowledged by then is marked, and the next process does not tell it again.

A sink that failed five times in a row is left alone for half a minute and more by its circuit breaker; nothing is dropped
meanwhile. Reminders come after changes, and a change does not wait for a reminder that is being retried.

Who changes the outbox by hand calls `revise`: pauses between tries end, and the outbox is read anew.
"""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ip_monitor.application.cancellation import cancel_and_wait, end_within
from ip_monitor.application.ports import DeliveryFailedError, DigestNotifier, StorageUnavailableError
from ip_monitor.application.standing import SINK_BREAKER
from ip_monitor.domain.events import NoticeDelivered, NoticeFailed
from ip_monitor.domain.notices import CHANGE_PRIORITY
from ip_monitor.resilience.circuit_breaker import CircuitBreaker
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.ports import Clock, Notifier, Outbox
    from ip_monitor.application.quiet import QuietTime
    from ip_monitor.domain.notices import Notice

_T = TypeVar("_T")
SEND_TIMEOUT_S = 15.0
# What was sent is mostly acknowledged at once; who stops a program waits no longer for the rest.
FINISH_S = 5.0
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 300.0
# A receiver may ask for more patience than our own backoff has, but not for ever.
LONGEST_RETRY_AFTER_S = 3600.0
_LARGEST_EXPONENT = 16
# From how many waiting changes on a sink gets them in one message. Nobody wants twenty after a night offline.
DIGEST_FROM = 4


class Delivery:
    """
    Args:
        outbox: the deliveries, written with their changes.
        notifiers: the sinks, by their names in the outbox.
        rng: strays the pauses between tries, so that a receiver that comes back is not hit by all at once.
        send_timeout_s: for one try, seconds.
        expire_after_s: a change older than this, seconds, is not told any more, but recorded as expired; None never.
        digest_from: this many waiting changes or more go in one message to a sink that can; 2 or more.
        quiet: tells when announcements to people wait; None never.
        breaker: of each sink; by default one that opens after five failures in a row.
        patience: how many times longer the pauses between tries of a sink are.
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
        expire_after_s: float | None = None,
        digest_from: int = DIGEST_FROM,
        quiet: QuietTime | None = None,
        breaker: Callable[[str], CircuitBreaker] | None = None,
        patience: Callable[[str], float] = lambda _: 1.0,
    ) -> None:
        self._outbox = outbox
        self._notifiers = {notifier.name: notifier for notifier in notifiers}
        self._announcer = announcer
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - spreads load; nothing secret depends on it
        self._send_timeout_s = send_timeout_s
        self._expire_after_s = expire_after_s
        self._digest_from = digest_from
        self._quiet = quiet

        def make(name: str) -> CircuitBreaker:
            return CircuitBreaker(name, clock=clock, settings=SINK_BREAKER, rng=rng)

        self._breakers = {name: (breaker or make)(name) for name in self._notifiers}
        self._patience = patience
        # What each sink is pausing for, by its priority: what is more urgent need not wait for that.
        self._pausing: dict[str, int] = {}
        self._open = asyncio.Event()
        self._open.set()
        self._wake = {name: asyncio.Event() for name in self._notifiers}
        self._revised = {name: asyncio.Event() for name in self._notifiers}
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
        for sink, priority in self._pausing.items():
            if priority < CHANGE_PRIORITY:
                self._revised[sink].set()

    def revise(self) -> None:
        """
        The outbox was changed by hand, or the network is back: end pauses between tries, and read it anew.
        """
        for breaker in self._breakers.values():
            breaker.reset()
        for event in self._revised.values():
            event.set()
        self.wake()

    @property
    def is_stopped(self) -> bool:
        return not self._open.is_set()

    def stop(self) -> None:
        """
        Send nothing more until `start`; a try under way ends first. Changes go on being queued.
        """
        self._open.clear()

    def start(self) -> None:
        """
        Send again.
        """
        self._open.set()

    async def run(self) -> None:
        """
        Send until cancelled. No failure of a sink or of storage ends it.
        """
        async with asyncio.TaskGroup() as group:
            for notifier in self._notifiers.values():
                group.create_task(self._serve(notifier), name=f"ip-monitor-delivery-{notifier.name}")

    async def drain(self) -> None:
        """
        Send what is pending until every sink's outbox is empty: for a single check that wants to announce and leave. What
        is held back, because the queue is stopped or a sink is to be quiet, stays for later.
        """
        if not self.is_stopped:
            ready = [one for one in self._notifiers.values() if not self._is_quiet(one.name)]
            await asyncio.gather(*(self._empty(notifier) for notifier in ready))

    async def _serve(self, notifier: Notifier) -> None:
        event = self._wake[notifier.name]
        while True:
            event.clear()
            await self._empty(notifier)
            await event.wait()

    async def _empty(self, notifier: Notifier) -> None:
        async with self._turn[notifier.name]:
            await self._may_send(notifier.name)
            while notices := await self._read(notifier.name):
                fresh = [notice for notice in notices if not await self._expire(notice)]
                if isinstance(notifier, DigestNotifier) and len(fresh) >= self._digest_from:
                    await self._may_send(notifier.name)
                    await self._wait_for_breaker(fresh[0])
                    await self._deliver(fresh, partial(notifier.send_digest, fresh))
                    continue
                await self._send_each(notifier, fresh)

    async def _read(self, sink: str) -> Sequence[Notice]:
        self._revised[sink].clear()
        return await self._persist(lambda: self._outbox.pending_notices(sink=sink))

    async def _send_each(self, notifier: Notifier, notices: Sequence[Notice]) -> None:
        """
        One after the other, until the outbox is revised: then what was read from it no longer holds.
        """
        for notice in notices:
            await self._may_send(notifier.name)
            await self._wait_until_due(notice)
            if self._revised[notifier.name].is_set():
                return
            await self._deliver([notice], partial(notifier.send, notice))

    async def _may_send(self, sink: str) -> None:
        """
        Wait while the queue is stopped, and while `sink` is to be quiet.
        """
        while True:
            await self._open.wait()
            if self._quiet is None or not self._is_quiet(sink):
                return
            await self._quiet.wait(sink)

    def _is_quiet(self, sink: str) -> bool:
        return self._quiet is not None and self._quiet.remaining_s(sink) > 0

    async def _expire(self, notice: Notice) -> bool:
        at = utc_now(self._clock)
        if self._expire_after_s is None or (at - notice.created_at).total_seconds() <= self._expire_after_s:
            return False
        await self._persist(lambda: self._outbox.mark_expired(notice, at=at))
        self._announcer.tell(NoticeFailed(notice=notice, at=at, reason="expired", retry_at=None))
        return True

    async def _wait_until_due(self, notice: Notice) -> None:
        # Only rows of an earlier process are not due yet. The wall clock may have jumped since, so the longest pause
        # that anything ever gets bounds the wait.
        wait_s = (notice.due_at - utc_now(self._clock)).total_seconds()
        if wait_s > 0 and notice.attempts > 0:
            await self._pause(notice, min(wait_s, LONGEST_RETRY_S))
        await self._wait_for_breaker(notice)

    async def _wait_for_breaker(self, notice: Notice) -> None:
        """
        Leave a sink alone that an earlier process found broken. While this one runs, pauses between tries see to it.
        """
        wait_s = self._breakers[notice.sink].statistics().retry_in_s
        if wait_s > 0:
            await self._pause(notice, wait_s)

    async def _deliver(self, notices: Sequence[Notice], send: Callable[[], Awaitable[None]]) -> None:
        """
        Send one message that tells `notices`, until it is acknowledged or refused for good, or the outbox is revised.
        """
        attempts = notices[0].attempts
        while (failure := await end_within(self._send_and_mark(notices, send), seconds=FINISH_S)) is not None:
            attempts += 1
            patience = self._patience(notices[0].sink)
            pause_s = self._pause_s(attempts, failure.retry_after_s, patience=patience)
            left_alone_s = self._breakers[notices[0].sink].statistics().retry_in_s
            await self._retry_later(notices, failure.reason, max(pause_s, left_alone_s))
            if self._revised[notices[0].sink].is_set():
                return

    async def _send_and_mark(
        self, notices: Sequence[Notice], send: Callable[[], Awaitable[None]]
    ) -> DeliveryFailedError | None:
        """
        Send once, and mark what came of it; returns why it has to be sent again.
        """
        failure = await self._try(notices[0].sink, send)
        if failure is not None:
            if not failure.is_permanent:
                return failure
            await self._give_up(notices, failure.reason)
            return None
        at = utc_now(self._clock)
        for notice in notices:
            await self._persist(partial(self._outbox.mark_delivered, notice, at=at))
            self._announcer.tell(NoticeDelivered(notice=notice, at=at))
        return None

    async def _give_up(self, notices: Sequence[Notice], reason: str) -> None:
        at = utc_now(self._clock)
        for notice in notices:
            await self._persist(partial(self._outbox.mark_failed, notice, at=at, reason=reason))
            self._announcer.tell(NoticeFailed(notice=notice, at=at, reason=reason, retry_at=None))

    async def _retry_later(self, notices: Sequence[Notice], reason: str, pause_s: float) -> None:
        at, began = utc_now(self._clock), self._clock.monotonic()
        due_at = at + timedelta(seconds=pause_s)
        for notice in notices:
            await self._persist(partial(self._outbox.mark_retry, notice, due_at=due_at, reason=reason))
            self._announcer.tell(NoticeFailed(notice=notice, at=at, reason=reason, retry_at=due_at))
        # A busy disk may have taken a part of it.
        await self._pause(notices[0], max(0.0, pause_s - (self._clock.monotonic() - began)))
        await self._may_send(notices[0].sink)

    async def _pause(self, notice: Notice, delay_s: float) -> None:
        """
        Sleep, or until the outbox is revised, or holds something more urgent than `notice`.
        """
        sink = notice.sink
        self._pausing[sink] = notice.priority
        waits: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self._clock.sleep(delay_s)),
            asyncio.ensure_future(self._revised[sink].wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._pausing.pop(sink, None)
            await cancel_and_wait(waits)

    async def _try(self, sink: str, send: Callable[[], Awaitable[None]]) -> DeliveryFailedError | None:
        # Forced: whoever comes here has waited for as long as the breaker wanted, or was told not to wait.
        attempt = self._breakers[sink].acquire(force=True)
        try:
            failure = await self._send(sink, send)
        except BaseException:
            attempt.abandoned()
            raise
        if failure is None or failure.is_permanent:
            attempt.succeeded()  # who refuses for good is there
        else:
            attempt.failed()  # Retry-After is honoured by the pause
        return failure

    async def _send(self, sink: str, send: Callable[[], Awaitable[None]]) -> DeliveryFailedError | None:
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await send()
        except DeliveryFailedError as error:
            return error
        except TimeoutError:
            return DeliveryFailedError(f"{sink} did not acknowledge within {self._send_timeout_s:g} s")
        except Exception as error:  # noqa: BLE001 - a defect of one sink must not lose its notices
            return DeliveryFailedError(f"{sink} failed: {type(error).__name__}: {error}")
        return None

    def _pause_s(self, attempts: int, retry_after_s: float | None, *, patience: float = 1.0) -> float:
        # However bad a sink does, it gets what waits for it soon after it is back.
        backoff_s = min(LONGEST_RETRY_S, patience * FIRST_RETRY_S * 2.0 ** min(attempts - 1, _LARGEST_EXPONENT))
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
