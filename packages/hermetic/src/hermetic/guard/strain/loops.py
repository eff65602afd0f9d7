"""
Event loops that lag: now and then a callback waits a little before it runs, as if another had held the loop.
"""

from __future__ import annotations

import asyncio.events
import random
import time
from typing import TYPE_CHECKING, Any, Self

from hermetic.guard.strain.patches import Patches

if TYPE_CHECKING:
    from collections.abc import Callable

# Bound here: the code under test may see another `time.sleep`.
_sleep = time.sleep


class Lag:
    """
    A context manager; loops of asyncio's own follow it, uvloop does not.

    Args:
        seed: which callbacks wait, and how long.
        share: of the callbacks, 0 to 1.
        most_s: at most so long, in seconds.
    """

    def __init__(self, seed: int, *, share: float = 0.2, most_s: float = 0.05) -> None:
        self._random = random.Random(seed)  # noqa: S311 - which callbacks wait is no secret
        self._share = share
        self._most_s = most_s
        self._patches = Patches()
        self.callbacks = 0

    def __enter__(self) -> Self:
        def late(real: Callable[[Any], None]) -> Callable[[Any], None]:
            def run(handle: Any) -> None:
                self.callbacks += 1
                if self._random.random() < self._share:
                    _sleep(self._random.random() * self._most_s)
                real(handle)

            return run

        self._patches.replace(asyncio.events.Handle, "_run", late)
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.undo()
