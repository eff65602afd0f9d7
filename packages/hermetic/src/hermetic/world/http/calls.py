"""
What a server remembers about the requests it got, and how tests wait for them.

Requests are recorded on the server's loop when they match, so a call can be seen while its reply is still delayed.
Tests look from other threads and other loops: everything they read is replaced as a whole or only ever appended to.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING

from hermetic.world.http import bounds
from hermetic.world.http.errors import CallsNotSeenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hermetic.world.http.reply import Reply
    from hermetic.world.http.request import Request

# After so many calls the oldest are forgotten; the count goes on.
KEPT = 100_000


class Call:
    """
    One request to a route, and what has become of it so far.

    Attributes:
        request: what the client sent.
        nth: number of the call on its route, from 1.
        at_s: the server's clock when it matched, in seconds.
        reply: what was sent, or the head of it; None as long as nothing was.
        status: what was replied; None while nothing was, and after faults that send no status line.
        fault: name of the fault that was applied, or None.
        sent_bytes: how much was written to the client so far.
        outcome: "in flight", then one of "replied", "faulted", "refused", "client gone", "stopped", "handler failed".
        first_byte_s: seconds from match to the first byte of the reply, None before.
        last_byte_s: seconds from match to the latest write, None before.
        ended_s: seconds from match to the end, None before.
        error: what the handler raised, as text.
        close: how the connection was left: kept, fin, rst, half, peer or stopped.
        planned_s: how much waiting was decided on when it matched, in seconds.
        refused_by: the gate that turned it away, "" if none did.
    """

    __slots__ = (
        "at_s",
        "close",
        "ended_s",
        "error",
        "fault",
        "first_byte_s",
        "last_byte_s",
        "nth",
        "outcome",
        "planned_s",
        "refused_by",
        "reply",
        "request",
        "route",
        "sent_bytes",
        "status",
    )

    def __init__(self, request: Request, *, route: str, nth: int, at_s: float) -> None:
        self.request = request
        self.route = route
        self.nth = nth
        self.at_s = at_s
        self.status: int | None = None
        self.reply: Reply | None = None
        self.fault: str | None = None
        self.sent_bytes = 0
        self.outcome = "in flight"
        self.close = "kept"
        self.planned_s = 0.0
        self.refused_by = ""
        self.first_byte_s: float | None = None
        self.last_byte_s: float | None = None
        self.ended_s: float | None = None
        self.error: str | None = None

    def told(self, reply: Reply) -> None:
        """
        The head of `reply` is being written.
        """
        self.status, self.reply = reply.status, reply

    @property
    def retry_after(self) -> str | None:
        """
        What the reply said in Retry-After.
        """
        return None if self.reply is None else self.reply.header("retry-after")

    @property
    def is_finished(self) -> bool:
        return self.ended_s is not None

    def __repr__(self) -> str:
        fault = f", fault {self.fault}" if self.fault else ""
        # What an unmatched request lacked takes several lines, and is told where it is asked for.
        error = f", {self.error}" if self.error and "\n" not in self.error else ""
        return f"<Call {self.nth} {self.request.summary()} [{self.outcome}, status {self.status}{fault}{error}]>"


class CallLog:
    """
    The calls of one route, and those who wait for more of them.
    """

    def __init__(self, *, route: str) -> None:
        self.route = route
        self.count = 0
        self.finished = 0
        self._kept: deque[Call] = deque(maxlen=KEPT)
        self._waiters: list[tuple[Callable[[], bool], Callable[[], None]]] = []
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Call]:
        return iter(self.snapshot())

    def snapshot(self) -> list[Call]:
        """
        The calls kept, oldest first. Copying a deque fails when it grows meanwhile, so it is tried again.
        """
        for _ in range(100):
            try:
                return list(self._kept)
            except RuntimeError:
                continue
        with self._lock:
            return list(self._kept)

    def add(self, request: Request, *, at_s: float) -> Call:
        """
        On the server's loop only.
        """
        self.count += 1
        call = Call(request, route=self.route, nth=self.count, at_s=at_s)
        self._kept.append(call)
        if self._waiters:
            self._wake()
        return call

    def finish(self) -> None:
        self.finished += 1
        if self._waiters:
            self._wake()

    def forget(self) -> None:
        self._kept.clear()
        self.count = self.finished = 0

    def _wake(self) -> None:
        with self._lock:
            due = [wake for is_met, wake in self._waiters if is_met()]
        for wake in due:
            wake()

    def _seen(self, *, finished: bool) -> int:
        return self.finished if finished else self.count

    def _failure(self, n: int, *, timeout: float, finished: bool, others: str) -> CallsNotSeenError:
        return CallsNotSeenError(
            route=self.route, wanted=n, seen=self._seen(finished=finished), timeout_s=timeout, others=others
        )

    async def wait_for(
        self,
        n: int,
        *,
        timeout: float,  # noqa: ASYNC109  # it raises an error of its own, with what was seen
        finished: bool,
        others: Callable[[], str],
    ) -> list[Call]:
        """
        Return the calls when `n` were seen; also across threads and loops.

        Raises:
            CallsNotSeenError: fewer came within `timeout` seconds.
        """
        _check_wait(n, timeout)
        loop = asyncio.get_running_loop()
        met = asyncio.Event()

        def wake() -> None:
            # The waiting loop may have been closed between the look and the call.
            if not loop.is_closed():
                loop.call_soon_threadsafe(met.set)

        entry = (lambda: self._seen(finished=finished) >= n, wake)
        with self._lock:
            self._waiters.append(entry)
        try:
            if not entry[0]():
                async with asyncio.timeout(timeout):
                    await met.wait()
        except TimeoutError as error:
            raise self._failure(n, timeout=timeout, finished=finished, others=others()) from error
        finally:
            with self._lock:
                self._waiters.remove(entry)
        return self.snapshot()

    def wait_for_blocking(self, n: int, *, timeout: float, finished: bool, others: Callable[[], str]) -> list[Call]:
        """
        The same for code without a loop; blocks the calling thread.
        """
        _check_wait(n, timeout)
        met = threading.Event()
        entry = (lambda: self._seen(finished=finished) >= n, met.set)
        with self._lock:
            self._waiters.append(entry)
        try:
            if not entry[0]() and not met.wait(timeout):
                raise self._failure(n, timeout=timeout, finished=finished, others=others())
        finally:
            with self._lock:
                self._waiters.remove(entry)
        return self.snapshot()


def _check_wait(n: int, timeout: float) -> None:
    bounds.count(n, where="wait_for(n)", least=0)
    bounds.duration(timeout, where="wait_for(timeout)")
