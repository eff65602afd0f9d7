"""
When each callback of asyncio's own loops began, and whether it took long.
"""

from __future__ import annotations

import asyncio
import threading
from time import monotonic
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from hermetic.guard.blocking.post import Post

Run: TypeAlias = "Callable[[asyncio.Handle], None]"


# Untyped, since no stub lets a method be replaced.
_HANDLE: Any = asyncio.Handle


class Stopwatch:
    """
    Times every `asyncio.Handle`, about 0.3 µs a callback.

    Args:
        post: gives the post of the thread that calls.
        over: told of each callback that took longer than `limit_s`, in its thread, right after its end.
    """

    def __init__(self, *, post: Callable[[], Post], over: Callable[[Post, asyncio.Handle, float], None]) -> None:
        self.limit_s = float("inf")
        self._post = post
        self._over = over
        self._before: Run | None = None
        self._mine: Run | None = None

    @property
    def codes(self) -> frozenset[CodeType]:
        """
        The code that runs callbacks: everything above it on a stack is a callback's.
        """
        return frozenset(one.__code__ for one in (self._before, self._mine) if isinstance(one, FunctionType))

    def start(self) -> None:
        self._before = run = _HANDLE._run  # noqa: SLF001 - the one place that all callbacks pass
        self._mine = self._timed(run)
        _HANDLE._run = self._mine  # noqa: SLF001 - as above

    def stop(self) -> None:
        """
        Take the stopwatch out, unless something else has been put over it since; then it only stops telling.
        """
        self.limit_s = float("inf")
        if self._before is not None and _HANDLE._run is self._mine:  # noqa: SLF001 - as above
            _HANDLE._run = self._before  # noqa: SLF001 - as above

    def _timed(self, run: Run) -> Run:
        local = threading.local()
        # Bound here, so that a test which replaces `time.monotonic` does not reach it.
        now = monotonic

        def _run(handle: asyncio.Handle) -> None:
            try:
                post: Post = local.post
            except AttributeError:
                post = local.post = self._post()
            outer = post.started
            post.started = started = now()
            try:
                run(handle)
            finally:
                try:
                    if now() - started > self.limit_s:
                        self._over(post, handle, started)
                finally:
                    post.started = outer
                    # An exception's traceback reaches this frame: no cycle may be left in it.
                    del handle

        return _run
