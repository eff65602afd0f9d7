"""
Loops that run their callbacks in C, where no stopwatch can be set: uvloop's.

Such a loop runs inside `run_forever`, a Python method of a Python class, so that its frame marks where the loop begins.
When the watcher finds other frames above it, a callback is at work; it goes on while the outermost of them is the same
frame and the loop does not answer. To answer, the loop is handed one callback, only when it was found at work.

Between the end of a callback and that answer others may have their turn, and the watcher may look. What was held until its
look before is kept for the answer then; the rest, at most the time between two looks, is not counted.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from hermetic.guard.blocking.account import Account
from hermetic.guard.census.wrapping import replace

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import CodeType

    from hermetic.guard.blocking.meter import Look
    from hermetic.guard.blocking.post import Post
    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.site import RawSite


class FramePulse:
    """
    One run of such a loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, post: Post, *, over: Callable[[Post, float], None]) -> None:
        self._loop = loop
        self._post = post
        self._over = over
        self._frame = 0

    def look(self, before: Look, after: Look, found: tuple[RawSite, int] | None, *, period: float) -> None:
        """
        What the watcher saw, in its thread: `found` is the callback's stack and its outermost frame's identity.
        """
        post = self._post
        stack, frame = found if found is not None else (None, 0)
        account = post.account
        if account is not None and frame != self._frame:
            post.ended[account.started] = account
            post.account = account = None
        if not frame:
            return
        if account is None:
            # Whoever kept the watcher out with the interpreter lock is the one that is found afterwards.
            account = Account(after.at - max(0.0, after.at - before.at - period), before.garbage)
            self._frame = frame
            started = account.started
            # A loop that is being closed answers nothing.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._answer, started)
        account.add(before, after, period=period, stack=stack)
        post.account = account

    def _answer(self, started: float) -> None:
        # In this order: the watcher may move it from the one to the other meanwhile.
        account = self._post.account
        if (account is not None and account.started == started) or started in self._post.ended:
            self._over(self._post, started)

    def end(self) -> None:
        """
        The loop stops: what it has not answered for is over, and nobody looks any more.
        """
        account = self._post.account
        starts = [] if account is None else [account.started]
        for started in (*starts, *self._post.ended):
            self._over(self._post, started)


class PulseTaker:
    """
    Marks the runs of uvloop's loops, from the moment that uvloop is imported.
    """

    def __init__(self, *, post: Callable[[], Post], over: Callable[[Post, float], None]) -> None:
        self.codes: frozenset[CodeType] = frozenset()
        self._post = post
        self._over = over
        self._undo: list[Callable[[], None]] = []

    def start(self, arrivals: Arrivals) -> None:
        arrivals.when("uvloop", self._arrived)

    def stop(self) -> None:
        while self._undo:
            self._undo.pop()()

    def _arrived(self, module: Any) -> None:
        self._undo.append(replace(module.Loop, "run_forever", self._marked))

    def _marked(self, run: Callable[[Any], None]) -> Callable[[Any], None]:
        def run_forever(loop: Any) -> None:
            post = self._post()
            pulse = FramePulse(loop, post, over=self._over)
            post.pulse = pulse
            try:
                run(loop)
            finally:
                pulse.end()
                post.pulse = None

        self.codes = frozenset({run_forever.__code__})
        return run_forever
