"""
What all monitors of a process share: the census they count in, and the one thread that samples.

A run of pytest brings its own census. Elsewhere the first monitor starts one and the last one stops it. As with the
census itself there can be only one of these a process, so the instance below is the module's.

The thread keeps its share of the processor by itself: it measures what a sample costs and waits accordingly.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from time import thread_time
from typing import TYPE_CHECKING, Final, Protocol

from hermetic.guard.census.arrivals import Arrivals
from hermetic.guard.census.census import Census
from hermetic.guard.census.descriptors import Descriptors
from hermetic.guard.census.files import Files
from hermetic.guard.census.multiprocessing_children import MultiprocessingChildren
from hermetic.guard.census.running import RUNNING
from hermetic.guard.census.sqlite import SqliteConnections
from hermetic.guard.census.threads import Threads
from hermetic.guard.census.trackers import awaited_trackers
from hermetic.guard.limits.kinds import COUNTED
from hermetic.guard.limits.tally import Tally
from hermetic.guard.ownership import Roll
from hermetic.guard.sentry import Sentry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.guard.census.census import AnyEntry
    from hermetic.guard.census.tracker import Tracker
    from hermetic.guard.limits.snapshot import ResourceSnapshot

PERIOD_S: Final = 0.05
SHARE: Final = 0.003
"""
Of one processor, the part that sampling takes on average, whatever a sample costs.
"""
_IDLE_S = 0.2
# How many samples lie between two prunings of a census that nobody judges.
_PRUNE_EACH = 20


class Watcher(Protocol):
    """
    A monitor, as the station sees it.
    """

    def sampled(self, snapshot: ResourceSnapshot) -> None:
        """
        Called in the sampling thread.
        """
        ...

    def opened(self, name: str, entry: AnyEntry) -> None:
        """
        Called in the thread that opens what counts as `name`.
        """
        ...


class Station:
    """
    Hands out the census, and calls watchers with samples while there are any.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waking = threading.Lock()
        self._pid = os.getpid()
        self._census: Census | None = None
        self._is_own = False
        self._watchers: tuple[Watcher, ...] = ()
        self._tally: Tally | None = None
        self._stop_listening: Callable[[], None] | None = None
        self._sentry: Sentry | None = None
        self._closed: dict[int, AnyEntry] = {}
        self._beats = 0

    @property
    def thread(self) -> int:
        """
        The sampling thread's native id, 0 before it first ran.
        """
        return self._sentry.native_id if self._sentry is not None else 0

    def enter(self, watcher: Watcher) -> Tally:
        """
        Begin to call `watcher`; returns the tally it counts with.
        """
        with self._lock:
            self._choose()
            self._watchers = (*self._watchers, watcher)
            self._pid = os.getpid()
            tally = self._tally
            self._listen()
        assert tally is not None  # noqa: S101 - a census was there or was made above
        self.wake()
        return tally

    def _choose(self) -> None:
        provided = RUNNING.census
        if provided is not None and provided is not self._census:
            if self._is_own and self._census is not None:
                self._census.stop()
            self._use(provided, is_own=False)
            RUNNING.afterwards(self._over)
        elif self._census is None:
            census = _own_census()
            census.start()
            self._use(census, is_own=True)

    def _over(self) -> None:
        with self._lock:
            if not self._is_own:
                self._use(None, is_own=False)
            self._rest_if_idle()

    def leave(self, watcher: Watcher) -> None:
        with self._lock:
            self._watchers = tuple(one for one in self._watchers if one is not watcher)
            self._listen()
            self._rest_if_idle()

    def wake(self) -> None:
        """
        Let the thread run: it steps aside when the process forks, and comes back only when asked.
        """
        sentry = self._sentry
        if sentry is not None and sentry.is_awake:
            return
        with self._waking:
            if self._sentry is None:
                self._sentry = Sentry(self._beat, period_s=PERIOD_S)
            self._sentry.wake()

    def _use(self, census: Census | None, *, is_own: bool) -> None:
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None
        self._census, self._is_own = census, is_own
        self._tally = None if census is None else Tally(census)
        self._closed = {}
        self._listen()

    def _listen(self) -> None:
        if self._watchers and self._stop_listening is None and self._census is not None:
            self._stop_listening = self._census.listen(self._opened)
        elif not self._watchers and self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    def _rest_if_idle(self) -> None:
        # In a test run the thread stays: starting one a test would cost more than it does when it is idle.
        if self._watchers or (self._census is not None and not self._is_own):
            return
        if self._sentry is not None:
            self._sentry.rest()
        if self._is_own and self._census is not None:
            self._census.stop()
            self._use(None, is_own=False)

    def _opened(self, entry: AnyEntry) -> None:
        tally = self._tally
        if tally is None or entry.tracker.kind not in COUNTED or self._pid != os.getpid():
            return  # a forked child has neither the thread nor any use for its parent's monitors
        # What a listener raised would reach the code that opens the resource.
        with suppress(Exception):
            name = tally.name_of(entry)
            if name is not None:
                self.wake()
                for watcher in self._watchers:
                    watcher.opened(name, entry)

    def _beat(self) -> None:
        sentry, tally = self._sentry, self._tally
        if sentry is None:
            return
        if tally is None or not self._watchers:
            sentry.period_s = _IDLE_S
            return
        started = thread_time()
        # A census that is being changed in a way that cannot be counted now: the next sample comes soon.
        with suppress(Exception):
            snapshot = tally.snapshot()
            for watcher in self._watchers:
                watcher.sampled(snapshot)
            self._beats += 1
            if self._is_own and self._beats % _PRUNE_EACH == 0:
                self._closed = tally.prune(self._closed)
                self._forget()
        sentry.period_s = max(PERIOD_S, (thread_time() - started) / SHARE)

    def _forget(self) -> None:
        census = self._census
        if census is not None and self._is_own:
            census.forget_happened()


def _own_census() -> Census:
    # Only what is counted: a program that is no test run need not pay for the rest.
    arrivals = Arrivals()
    trackers: list[Tracker] = [
        SqliteConnections(),
        Files(),
        Descriptors(),
        Threads(),
        MultiprocessingChildren(arrivals),
    ]
    wanted = ("socket", "subprocess", "asyncio")
    awaited = {name: make for name, make in awaited_trackers(arrivals).items() if name in wanted}
    return Census(trackers, roll=Roll(), arrivals=arrivals, awaited={n: _counted(m) for n, m in awaited.items()})


def _counted(make: Callable[[], Sequence[Tracker]]) -> Callable[[], list[Tracker]]:
    return lambda: [tracker for tracker in make() if tracker.kind in COUNTED]


STATION: Final = Station()
