"""
One thread that runs event loops, as the watching thread and the loop's own thread both know it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from hermetic.guard.blocking.meter import look_at

if TYPE_CHECKING:
    from hermetic.guard.blocking.account import Account
    from hermetic.guard.blocking.meter import Look
    from hermetic.guard.census.site import RawSite


class Pulse(Protocol):
    """
    The run of a loop that has no stopwatch.
    """

    def look(self, before: Look, after: Look, found: tuple[RawSite, int] | None, *, period: float) -> None: ...


class Post:
    """
    Made in the thread that it is about.

    `started` is when the callback that runs now began, in monotonic seconds, 0.0 between callbacks: it is all that the
    stopwatch writes. `account` is the hold that the watcher saw last, and `look` its last look at the thread. `pulse` is
    there while the thread runs a loop that has no stopwatch, and `ended`, by their starts, are the holds of that loop which
    the watcher found over before the loop could tell.
    """

    __slots__ = ("__weakref__", "account", "ended", "ident", "look", "native_id", "pulse", "started")

    def __init__(self, *, garbage: float) -> None:
        self.ident = threading.get_ident()
        self.native_id = threading.get_native_id()
        self.started = 0.0
        self.account: Account | None = None
        self.ended: dict[float, Account] = {}
        self.look = look_at(self.native_id, garbage=garbage)
        self.pulse: Pulse | None = None
