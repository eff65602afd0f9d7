"""
Every wait and every timeout longer by a factor, and all clocks slower by it: what fails because something did not happen in
time passes then, and what fails for another reason does not.
"""

from __future__ import annotations

import multiprocessing.process
import select
import selectors
import socket
import subprocess
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from hermetic.guard.strain.patches import Patches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hermetic.guard.strain.patches import Project

# Where a number of seconds stands: owner, name, position (without self), keyword.
_TIMED: tuple[tuple[Any, str, int, str], ...] = (
    (threading.Event, "wait", 0, "timeout"),
    (threading.Condition, "wait", 0, "timeout"),
    (threading.Thread, "join", 0, "timeout"),
    (subprocess.Popen, "wait", 0, "timeout"),
    (subprocess.Popen, "communicate", 1, "timeout"),
    (socket.socket, "settimeout", 0, "value"),
    (multiprocessing.process.BaseProcess, "join", 0, "timeout"),
)


class LongWaits:
    """
    Multiplies sleeps and timeouts. A context manager; the clocks are slowed by `StrainedClock(slow=…)` beside it, which is
    how event loops, queues and measured durations follow.

    Args:
        factor: from 1 on.
        project: the one whose modules may have imported `sleep` by name.
    """

    def __init__(self, factor: float, *, project: Project) -> None:
        self._factor = factor
        self._project = project
        self._patches = Patches()
        self.waits = 0
        self._inside = threading.local()

    def __enter__(self) -> Self:
        original = time.sleep

        def sleep(seconds: float) -> None:
            self.waits += 1
            original(seconds * self._factor)

        self._patches.replace(time, "sleep", lambda _: sleep)
        self._patches.rebind({id(original): (original, sleep)}, self._project)
        for owner, name, place, keyword in _TIMED:
            self._patches.replace(owner, name, partial(self._longer, place=place, keyword=keyword))
        for selector in (
            getattr(selectors, name, None) for name in ("EpollSelector", "PollSelector", "SelectSelector")
        ):
            if selector is not None:
                self._patches.replace(selector, "select", partial(self._longer, place=0, keyword="timeout"))
        self._patches.replace(select, "select", partial(self._longer, place=3, keyword="timeout", is_method=False))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.undo()

    def _longer(
        self, real: Callable[..., Any], place: int, keyword: str, *, is_method: bool = True
    ) -> Callable[..., Any]:
        index = place + is_method

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            # One of them waits in terms of another; the outermost counts.
            if getattr(self._inside, "depth", 0) or self._factor == 1.0:
                self.waits += 1
                return real(*args, **kwargs)
            self._inside.depth = 1
            try:
                self.waits += 1
                return real(*_scaled(args, index, self._factor), **_scaled_keywords(kwargs, keyword, self._factor))
            finally:
                self._inside.depth = 0

        return wrapped


def _scaled(args: tuple[Any, ...], index: int, factor: float) -> tuple[Any, ...]:
    if index < len(args) and isinstance(args[index], int | float) and args[index] > 0:
        return (*args[:index], args[index] * factor, *args[index + 1 :])
    return args


def _scaled_keywords(kwargs: Mapping[str, Any], keyword: str, factor: float) -> dict[str, Any]:
    value = kwargs.get(keyword)
    return {**kwargs, keyword: value * factor} if isinstance(value, int | float) and value > 0 else dict(kwargs)
