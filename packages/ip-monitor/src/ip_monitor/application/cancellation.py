"""
Ending tasks so that nothing of them is left when the next line runs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable


async def cancel_and_wait(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """
    Cancel tasks and wait until they have ended; what they raise on the way is dropped. Done ones are left alone.
    """
    ending = [task for task in tasks if not task.done()]
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


async def see_through(ending: Coroutine[Any, Any, None]) -> None:
    """
    Await what must not be left half done, such as closing a connection: whoever is cancelled meanwhile is so afterwards.
    It must have a bound of its own.

    Raises:
        Exception: what `ending` raised.
        asyncio.CancelledError: the caller was cancelled meanwhile; `ending` has ended.
    """
    work = asyncio.ensure_future(ending)
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not work.cancelled():
            work.exception()  # the cancellation is what the caller hears of
        raise cancelled
    work.result()
