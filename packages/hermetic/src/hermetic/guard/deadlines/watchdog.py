"""
A thread that calls back when a time has passed, cheap to arm: most deadlines never pass.

Arming stores a number. The thread sleeps until the earliest time that it knew when it fell asleep; a watch that was
moved later is found and put back when its old time comes, and only one that is earlier than that wakes the thread.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_IDLE_S = 60.0


class Watch:
    """
    One time to watch for. `fire` runs in the watchdog's thread; it returns the time (monotonic seconds) at which to be
    called again, or None.

    `at` is when to call it, None for never; `queued_at` when the thread will look, which may be earlier.
    """

    __slots__ = ("_dog", "_fire", "at", "queued_at")

    def __init__(self, dog: Watchdog, fire: Callable[[], float | None]) -> None:
        self._dog = dog
        self._fire = fire
        self.queued_at: float | None = None
        self.at: float | None = None

    def set(self, at: float) -> None:
        """
        Call `fire` once `time.monotonic()` has reached `at`, instead of any earlier setting.
        """
        self.at = at
        if self.queued_at is None or at < self.queued_at:
            self._dog.queue(self, at)

    def clear(self) -> None:
        """
        Do not call `fire` any more. A call that runs already is not waited for.
        """
        self.at = None


class Watchdog:
    """
    Owns the thread, which starts with the first watch and is a daemon, so that it also sees an exit that hangs.
    """

    def __init__(self, *, name: str = "hermetic-watchdog") -> None:
        self._name = name
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._condition = threading.Condition(threading.Lock())
        self._heap: list[tuple[float, int, Watch]] = []
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._wakes_at = float("inf")
        self._is_closed = False

    @property
    def ident(self) -> int | None:
        """
        The thread's ident, by which a capture leaves it out; None while it does not run.
        """
        return self._thread.ident if self._thread is not None else None

    def watch(self, fire: Callable[[], float | None]) -> Watch:
        return Watch(self, fire)

    def queue(self, watch: Watch, at: float) -> None:
        if os.getpid() != self._pid:
            self._reset()  # a forked child has neither the thread nor any use for the parent's watches
        with self._condition:
            watch.queued_at = at
            heapq.heappush(self._heap, (at, next(self._order), watch))
            if self._thread is None or not self._thread.is_alive():
                self._is_closed = False
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            elif at < self._wakes_at:
                self._condition.notify()

    def close(self) -> None:
        """
        End the thread and wait for it, unless it is the caller. Watches that are set are forgotten.
        """
        with self._condition:
            self._is_closed = True
            self._heap.clear()
            self._condition.notify()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._thread = None

    def _run(self) -> None:
        while True:
            with self._condition:
                watch = self._due()
                if watch is None:
                    return
            again = watch._fire()
            if again is not None:
                watch.set(again)

    def _due(self) -> Watch | None:
        # Holds the condition. Returns a watch whose time has come, or None to end the thread.
        while not self._is_closed:
            now = monotonic()
            if not self._heap:
                self._wakes_at = now + _IDLE_S
                if not self._condition.wait(_IDLE_S) and not self._heap:
                    self._thread = None  # nothing to watch for a minute: a service keeps no idle thread
                    return None
                continue
            queued_at, _, watch = self._heap[0]
            if queued_at > now:
                self._wakes_at = queued_at
                self._condition.wait(queued_at - now)
                continue
            heapq.heappop(self._heap)
            if watch.queued_at != queued_at:
                continue  # it was queued again for an earlier time, which has been dealt with
            watch.queued_at = None
            at = watch.at
            if at is None:
                continue
            if at > now:
                watch.queued_at = at
                heapq.heappush(self._heap, (at, next(self._order), watch))
                continue
            watch.at = None
            return watch
        return None
