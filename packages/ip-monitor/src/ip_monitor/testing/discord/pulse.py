"""
Waiting for a condition on the double's state, without asking for it again and again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Pulse:
    """
    Beats at each change of state; waiters look at their condition again.
    """

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def beat(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, condition: Callable[[], T], *, within_s: float) -> T:
        """
        Return the first true value of `condition`.

        Raises:
            TimeoutError: it was never true for `within_s` seconds.
        """
        async with asyncio.timeout(within_s):
            while not (found := condition()):
                future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.add(future)
                try:
                    await future
                finally:
                    self._waiting.discard(future)
            return found
