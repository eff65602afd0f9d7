"""
Requests and replies that are on their way and do not arrive: a network that holds them, until it lets them go.

This is what a partition looks like from a program: nothing is refused and nothing reset, it only takes as long as it
takes. Requests are held before the server sees them, so they are not recorded, counted or matched until they are let
go; replies are held before a byte of them is written, when the server has long done its work. A client that does not
wait for the end leaves, and what was held for it is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Literal, Self

from hermetic.world.http import bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import TracebackType

Way = Literal["requests", "replies", "both"]


class Hold:
    """
    In force from the moment it is made until `release`, or to the end of its `with` block.
    """

    def __init__(self, *, clients: Collection[str] | None, way: Way, remove: Callable[[Hold], None]) -> None:
        self.clients = None if clients is None else frozenset(clients)
        self.way: Way = way
        self._remove = remove

    def __repr__(self) -> str:
        whose = "everyone" if self.clients is None else ", ".join(sorted(self.clients))
        return f"<Hold of {self.way} of {whose}>"

    def holds(self, client: str | None, way: Way) -> bool:
        return self.way in {way, "both"} and (self.clients is None or client in self.clients)

    def release(self) -> None:
        """
        Let everything go that it held. Idempotent; from any thread.
        """
        self._remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Holds:
    """
    All the holds of one server, and what waits for them. Holds are made and released from any thread; waiting is done
    on the server's loop.
    """

    def __init__(self) -> None:
        self.in_force: tuple[Hold, ...] = ()
        self.waiting = 0
        self._lock = threading.Lock()
        self._waiters: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}

    def add(self, *, clients: str | Collection[str] | None, way: Way) -> Hold:
        bounds.one_of(way, ("requests", "replies", "both"), where="hold(way)")
        # A bare text would be the set of its letters.
        who = {clients} if isinstance(clients, str) else clients
        hold = Hold(clients=who, way=way, remove=self._remove)
        with self._lock:
            self.in_force = (*self.in_force, hold)
        return hold

    def is_held(self, client: str | None, way: Way) -> bool:
        return any(hold.holds(client, way) for hold in self.in_force)

    async def pass_on(self, client: str | None, way: Way) -> None:
        """
        Return when nothing holds this client's messages of that way.
        """
        self.waiting += 1
        try:
            while True:
                loop = asyncio.get_running_loop()
                released = loop.create_future()
                with self._lock:
                    # Looked at and waited for under one lock, or a release in between would be missed.
                    if not self.is_held(client, way):
                        return
                    self._waiters[released] = loop
                try:
                    await released
                finally:
                    with self._lock:
                        self._waiters.pop(released, None)
        finally:
            self.waiting -= 1

    def _remove(self, hold: Hold) -> None:
        with self._lock:
            self.in_force = tuple(one for one in self.in_force if one is not hold)
            waiters = list(self._waiters.items())
        for released, loop in waiters:
            # A loop that was closed meanwhile has no one waiting.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, released)


def _settle(released: asyncio.Future[None]) -> None:
    if not released.done():
        released.set_result(None)
