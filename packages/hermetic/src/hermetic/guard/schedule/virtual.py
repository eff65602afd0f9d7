"""
Virtual time for event loops: when nothing can run but timers, the time of the next one comes at once.

This is more delicate than it looks. A loop that waits in its selector is not idle as long as something real is under way
that will wake it: a call in an executor, a statement in a database's thread, bytes on a loopback connection that the
other end has not read, a server's loop in another thread. If time jumped then, a client would time out although its
answer is on the way. So before a jump, all of these are asked:

- every loop that runs in this process waits in its selector, and its selector has nothing to report;
- no call that went to an executor through a loop or straight is outstanding, and each other thread stands where threads
  of a known pool stand when they have nothing to do;
- no socket that a loop watches has its other end outside this process, and no child process lives.

The selector of each loop is wrapped, since that is the one place through which every wait goes; timers are read from the
wait's own time limit. While something is under way, the loop waits in real time, a millisecond at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from time import time as wall_time
from typing import TYPE_CHECKING, Any

from hermetic.errors import HermeticError
from hermetic.guard.capture.loops import busy_thread, has_children, running_loops

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future

_REAL_WAIT_S = 0.001
_ENDLESS_WAIT_S = 0.02


class VirtualTimeError(HermeticError, RuntimeError):
    """
    A loop whose time cannot be virtual.
    """

    def __init__(self, loop: object) -> None:
        super().__init__(loop)
        self.loop = loop

    def __str__(self) -> str:
        kind = f"{type(self.loop).__module__}.{type(self.loop).__qualname__}"
        return f"virtual time needs one of the standard library's selector loops, not {kind}; run this test on one"


class VirtualClock:
    """
    One time for all loops of the process, from `start` to `stop`; a `Clock` for whoever takes one.

    It begins at the real monotonic time, so that timers that are already set stay in order. Between jumps it goes on with
    real time; with `flows=False` it stands still, so that nothing but jumps moves it and runs can be repeated exactly.
    `jumps` counts how often it jumped, `skipped_s` the seconds that nobody waited for.
    """

    def __init__(self, *, flows: bool = True) -> None:
        self._stands_at = None if flows else monotonic()
        self.jumps = 0
        self.skipped_s = 0.0
        self._lock = threading.RLock()
        self._loops: dict[asyncio.AbstractEventLoop, _Installed] = {}
        self._calls: set[Future[Any]] = set()
        self._statements = 0
        self._originals: list[tuple[Any, str, Any]] = []

    # ------------------------------------------------------------ a Clock

    def monotonic(self) -> float:
        """
        Seconds of virtual time; differences are what the code under test believes has passed.
        """
        return (monotonic() if self._stands_at is None else self._stands_at) + self.skipped_s

    def time(self) -> float:
        """
        The wall clock's seconds since the epoch, moved on by what was skipped.
        """
        return wall_time() + self.skipped_s

    async def sleep(self, delay: float) -> None:
        await asyncio.sleep(delay)

    def __repr__(self) -> str:
        return f"<VirtualClock {self.jumps} jumps, {self.skipped_s:g} s skipped>"

    # ------------------------------------------------------------ life

    def start(self, *, follow: bool = False) -> None:
        """
        Make the time of every loop virtual: those that run, and those that will.

        With `follow`, `time.time` and `time.monotonic` tell virtual time as well, to code that looks them up in the
        module; names that were imported from it before, and `datetime.now`, keep telling real time.

        Raises:
            VirtualTimeError: a loop runs whose time cannot be.
        """
        loops = running_loops()
        for one in loops:
            _check(one.loop)
        self._replace(asyncio.BaseEventLoop, "run_forever", self._run_forever)
        self._replace(ThreadPoolExecutor, "submit", self._submit)
        database: Any = sys.modules.get("aiosqlite.core")
        if database is not None:
            self._replace(database.Connection, "_execute", self._counted)
            self._replace(database.Connection, "_connect", self._counted)
        if follow:
            self._replace(time, "time", lambda _: self.time)
            self._replace(time, "monotonic", lambda _: self.monotonic)
        own = threading.get_ident()
        for one in loops:
            if one.ident == own:
                self.install(one.loop)
            else:
                # In its own thread, between two of its callbacks, so that it does not wait in the selector meanwhile.
                done = threading.Event()
                one.loop.call_soon_threadsafe(self._install_and_tell, one.loop, done)
                done.wait()

    def stop(self) -> None:
        """
        Give every loop its own time back. Timers that were set in virtual time go off as much later in real time.
        """
        while self._originals:
            owner, name, original = self._originals.pop()
            setattr(owner, name, original)
        with self._lock:
            loops, self._loops = dict(self._loops), {}
        for installed in loops.values():
            installed.remove()

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """
        Make one loop's time virtual. `start` does it for all.
        """
        _check(loop)
        with self._lock:
            if loop not in self._loops:
                self._loops[loop] = _Installed(self, loop)

    def _install_and_tell(self, loop: asyncio.AbstractEventLoop, done: threading.Event) -> None:
        self.install(loop)
        done.set()

    def _counted(self, original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*args: Any, **kwargs: Any) -> Any:
            # Counted in the loop from before the statement is queued until its result is here, so that there is no
            # moment in which the database's thread looks idle although it is not.
            self._statements += 1
            try:
                return await original(*args, **kwargs)
            finally:
                self._statements -= 1

        return counted

    def _replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        original = owner.__dict__[name]
        self._originals.append((owner, name, original))
        setattr(owner, name, make(original))

    def _run_forever(self, original: Callable[[Any], None]) -> Callable[[Any], None]:
        def run_forever(loop: Any) -> None:
            self.install(loop)
            try:
                original(loop)
            finally:
                with self._lock:
                    installed = self._loops.get(loop)
                    if installed is not None:
                        installed.waits_until = None

        return run_forever

    def _submit(self, original: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
        def submit(executor: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            future = original(executor, *args, **kwargs)
            with self._lock:
                self._calls.add(future)
            future.add_done_callback(self._calls.discard)
            return future

        return submit

    # ------------------------------------------------------------ waiting

    def wait(self, installed: _Installed, timeout: float | None) -> list[Any]:
        """
        What a loop's selector does instead of waiting for `timeout` seconds, in the loop's own thread.
        """
        ends = None if timeout is None else self.monotonic() + timeout
        with self._lock:
            installed.is_waiting, installed.waits_until = True, ends
        try:
            while True:
                events = installed.poll(0)
                if events or (ends is not None and self.monotonic() >= ends):
                    return events
                if not self._jump():
                    # Its own events end this at once; what it looks for again are the others'.
                    events = installed.poll(_REAL_WAIT_S if ends is not None else _ENDLESS_WAIT_S)
                    if events:
                        return events
        finally:
            with self._lock:
                installed.is_waiting = False

    def _jump(self) -> bool:
        # Holds the lock throughout, so that no loop can begin or end a wait while all are looked at.
        with self._lock:
            running = [one for one in self._loops.values() if one.loop.is_running()]
            # Alone, the loop that asks has just looked at its own events, and nobody is there to make new ones.
            is_alone = len(running) == 1 and threading.active_count() == 1
            if not is_alone and not all(one.is_waiting and not one.has_events() for one in running):
                return False
            targets = [one.waits_until for one in running if one.waits_until is not None]
            if not targets or self._is_something_under_way(running):
                return False
            # Once more: work that was under way a moment ago may have woken a loop since.
            if not is_alone and any(one.has_events() for one in running):
                return False
            ahead = min(targets) - self.monotonic()
            if ahead > 0:
                self.jumps += 1
                self.skipped_s += ahead
                # The clock's sum may fall short of the target by a rounding; the loop would come back at once.
                self.skipped_s += 1e-9
            return True

    def _is_something_under_way(self, running: list[_Installed]) -> bool:
        if self._calls or self._statements:
            return True
        own = {one.ident for one in running}
        if threading.active_count() > len(own) and busy_thread(own) is not None:
            return True
        if any(one.is_outside() for one in running):
            return True
        return has_children()


class _Installed:
    # A loop whose time is virtual. Set on the instance, so that the class and other loops stay as they are.

    def __init__(self, clock: VirtualClock, loop: Any) -> None:
        self.loop = loop
        self.is_waiting = False
        self.waits_until: float | None = None
        self.ident = threading.get_ident()
        self._clock = clock
        self._selector = loop._selector
        self.poll: Callable[[float | None], list[Any]] = self._selector.select
        self._probe = select.poll()
        self._probe.register(self._selector.fileno(), select.POLLIN)
        self._sockets: tuple[frozenset[tuple[int, int]], bool] = (frozenset(), False)
        loop.time = clock.monotonic
        self._selector.select = self._select

    def _select(self, timeout: float | None = None) -> list[Any]:
        self.ident = threading.get_ident()
        if timeout is not None and timeout <= 0:
            return self.poll(timeout)
        return self._clock.wait(self, timeout)

    def remove(self) -> None:
        with contextlib.suppress(AttributeError):
            del self.loop.time
            del self._selector.select
        if self.loop.is_running():
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(lambda: None)  # wakes it, to wait by its own time from now on

    def has_events(self) -> bool:
        """
        Whether the selector, which another thread may be in charge of, has something to report. The descriptor of an
        epoll set can be polled itself. Source: epoll(7), "Q3".
        """
        try:
            return bool(self._probe.poll(0))
        except (OSError, ValueError):
            return False  # closed meanwhile

    def is_outside(self) -> bool:
        """
        Whether a socket that the loop watches has its other end outside this process: answers come in real time then.
        """
        try:
            keys = frozenset((key.fd, key.events) for key in self._selector.get_map().values())
        except (AttributeError, RuntimeError):
            return False
        if keys != self._sockets[0]:
            self._sockets = (keys, _has_outsider({fd for fd, _ in keys}))
        return self._sockets[1]


def _check(loop: Any) -> None:
    selector = getattr(loop, "_selector", None)
    if not isinstance(loop, asyncio.BaseEventLoop) or not hasattr(selector, "fileno"):
        raise VirtualTimeError(loop)


def _has_outsider(descriptors: set[int]) -> bool:
    peers: set[object] = set()
    for fd in descriptors:
        peer = _names(fd)
        if peer is not None:
            peers.add(peer)
    if not peers:
        return False
    return bool(peers - _own_names())


def _names(fd: int) -> tuple[object, object] | None:
    # The two ends of a connected internet socket, the other end's own name first.
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        return None
    try:
        if sock.family not in {socket.AF_INET, socket.AF_INET6} or sock.type != socket.SOCK_STREAM:
            return None
        return sock.getpeername()[:2], sock.getsockname()[:2]
    except OSError:
        return None
    finally:
        sock.detach()  # the descriptor is another's


def _own_names() -> set[object]:
    # The pairs of all connections of this process, seen from the other end: a connection whose ends are both here
    # appears twice, once in each order.
    found: set[object] = set()
    for entry in Path("/proc/self/fd").iterdir():
        names = _names(int(entry.name))
        if names is not None:
            found.add((names[1], names[0]))
    return found
