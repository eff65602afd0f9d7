"""
Where a server runs, and the order of its starts and stops: in a thread of its own, or on its caller's loop.
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from hermetic.world.http.errors import ServerError
from hermetic.world.http.loop_thread import LoopThread
from hermetic.world.http.report import StopReport

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from hermetic.world.http.core import Core
    from hermetic.world.http.listener import Listener

# How long a stop waits for a server thread that does not answer, before it shuts the sockets from outside.
BLOCKED_S = 0.5


class Stoppable(Protocol):
    async def stop(self) -> None: ...


class Run:
    """
    A server from one start to the next stop.
    """

    def __init__(self, core: Core, listener: Listener, *, apps: Sequence[Stoppable] = ()) -> None:
        self.core = core
        self.listener = listener
        # The caller's own list: applications may join while the server runs.
        self._apps = apps

    async def close(self) -> StopReport:
        """
        On the server's loop: close the listener, then everything else.
        """
        begun = time.monotonic()
        self.listener.close()
        await self.listener.settled()
        found = await self.core.stop()
        for app in self._apps:
            await app.stop()
        return replace(found, took_s=time.monotonic() - begun)

    def shut_from_outside(self, *, blocked_at: str) -> StopReport:
        """
        From another thread, when the server's loop does not turn: the clients are cut off, the report is made.
        """
        self.listener.shut_down_from_outside()
        connections = tuple(self.core.connections)
        for connection in connections:
            connection.shut_down_from_outside()
        return StopReport(
            server=self.core.name,
            took_s=BLOCKED_S,
            connections=len(connections),
            in_flight=self.core.in_flight(),
            blocked_at=blocked_at,
        )


class ThreadHosting:
    """
    Starts and stops may come from any threads and loops, at once and in any order; the lock puts them in one.
    """

    def __init__(self, *, name: str, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None) -> None:
        self.run: Run | None = None
        self.report = StopReport(server=name)
        self._name = name
        self._loop_factory = loop_factory
        self._lock = threading.RLock()
        self._thread: LoopThread | None = None
        self._closing: concurrent.futures.Future[StopReport] | None = None

    def start(self, opening: Callable[[], Coroutine[Any, Any, Run]]) -> None:
        with self._lock:
            if self._closing is not None:
                self.stop()
            if self._thread is not None:
                return
            thread = LoopThread(name=f"hermetic server {self._name}", loop_factory=self._loop_factory)
            try:
                self.run = thread.submit(opening()).result()
            except BaseException:
                thread.stop(timeout=BLOCKED_S)
                raise
            self._thread = thread

    def stop(self) -> StopReport:
        """
        Block until it has stopped, for a bounded time.
        """
        begun = self._begin_stop()
        if begun is None:
            return self.report
        thread, run, closing = begun
        try:
            closing.result(timeout=BLOCKED_S)
        except TimeoutError:
            return self._end(thread, run, closing, blocked=True)
        return self._end(thread, run, closing, blocked=False)

    async def stop_waiting(self) -> StopReport:
        """
        The same without blocking the caller's loop.
        """
        begun = self._begin_stop()
        if begun is None:
            return self.report
        thread, run, closing = begun
        done, _ = await asyncio.wait({asyncio.wrap_future(closing)}, timeout=BLOCKED_S)
        return self._end(thread, run, closing, blocked=not done)

    async def work(self, what: Coroutine[Any, Any, None]) -> None:
        """
        Do something on the server's loop; does nothing when it has just been stopped.
        """
        thread = self._thread
        if thread is None:
            what.close()
        else:
            await asyncio.wrap_future(thread.submit(what))

    def work_blocking(self, what: Coroutine[Any, Any, None]) -> None:
        thread = self._thread
        if thread is None:
            what.close()
        else:
            thread.submit(what).result()

    def carry_out(self, work: Callable[[], None]) -> None:
        """
        Run it on the server's loop and return when it is done. Nothing happens when the server does not run.
        """
        with self._lock:
            thread = self._thread
        if thread is None:
            return
        if thread.is_current:
            work()
        else:
            thread.submit(_as_coroutine(work)).result(timeout=BLOCKED_S)

    def _begin_stop(self) -> tuple[LoopThread, Run, concurrent.futures.Future[StopReport]] | None:
        with self._lock:
            if self._thread is None or self.run is None:
                return None
            if self._thread.is_current:
                raise ServerError(
                    f"server {self._name!r} was told to stop by its own handler, which the stop would have to wait "
                    "for. Stop it from the test, or let the handler answer with a fault such as reset()."
                )
            if self._closing is None:
                self._closing = self._thread.submit(self.run.close())
            return self._thread, self.run, self._closing

    def _end(
        self, thread: LoopThread, run: Run, closing: concurrent.futures.Future[StopReport], *, blocked: bool
    ) -> StopReport:
        with self._lock:
            if self._thread is not thread:
                return self.report
            self._thread = self.run = self._closing = None
            if blocked:
                self.report = run.shut_from_outside(blocked_at=thread.where())
                # When its handler returns it closes what it holds and ends. A daemon, it does not keep the process.
                closing.add_done_callback(lambda _: thread.end_soon())
            else:
                self.report = closing.result()
                thread.stop(timeout=BLOCKED_S)
            return self.report


class LoopHosting:
    """
    On the loop that starts it; stopped on the same.
    """

    def __init__(self, *, name: str) -> None:
        self.run: Run | None = None
        self.report = StopReport(server=name)
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    def _in_turn(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._lock is None or self._lock[0] is not loop:
            self._lock = (loop, asyncio.Lock())
        return self._lock[1]

    def carry_out(self, work: Callable[[], None]) -> None:
        """
        Run it, now: the caller is on the server's loop.
        """
        if self.run is not None:
            work()

    async def start(self, opening: Callable[[], Coroutine[Any, Any, Run]]) -> None:
        async with self._in_turn():
            if self.run is None:
                self.run = await opening()

    async def stop(self) -> StopReport:
        async with self._in_turn():
            run, self.run = self.run, None
            if run is not None:
                self.report = await run.close()
            return self.report

    async def work(self, what: Coroutine[Any, Any, None]) -> None:
        """
        Do something on the server's loop, which is the caller's.
        """
        await what

    def work_blocking(self, what: Coroutine[Any, Any, None]) -> None:
        what.close()
        raise ServerError(
            f"server {self.report.server!r} was made with in_loop=True; it cannot be told without awaiting. Use the "
            "asynchronous method of the same name, or leave in_loop out."
        )


async def _as_coroutine(work: Callable[[], None]) -> None:
    work()
