"""
Ending tasks so that nothing of them is left when the next line runs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

T = TypeVar("T")


async def cancel_and_wait(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """
    Cancel tasks and wait until they have ended; what they raise on the way is dropped. Done ones are left alone.
    """
    ending = [task for task in tasks if not task.done()]
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


async def see_through(ending: Coroutine[Any, Any, T]) -> T:
    """
    Await what must not be left half done, such as closing a connection: whoever is cancelled meanwhile is so afterwards.
    It must have a bound of its own.

    Raises:
        Exception: what `ending` raised.
        asyncio.CancelledError: the caller was cancelled meanwhile; `ending` has ended.
    """
    return await _outlast(ending, again_after_s=None)


async def end_within(ending: Coroutine[Any, Any, T], *, seconds: float) -> T:
    """
    Await what should not be left half done and has no bound of its own: whoever is cancelled meanwhile is so when it has
    ended, and `seconds` later at most, when it is cancelled too.

    Raises:
        Exception: what `ending` raised.
        asyncio.CancelledError: the caller was cancelled meanwhile; `ending` has ended.
    """
    task = asyncio.ensure_future(ending)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            await cancel_and_wait([task])
        if not task.cancelled():
            task.exception()  # the cancellation is what the caller hears of
        raise
    return task.result()


async def heed_cancellation(work: Coroutine[Any, Any, None], *, again_after_s: float = 0.5) -> None:
    """
    Await what may lose a cancellation: it is cancelled again, every so many seconds, until it has ended.

    `asyncio.wait_for`, which libraries use to connect, returns what came in the turn in which it was cancelled, and the
    cancellation is forgotten (python/cpython#86296, Lib/asyncio/tasks.py of 3.11; mended in 3.12).

    Raises:
        Exception: what `work` raised.
        asyncio.CancelledError: the caller was cancelled; `work` has ended.
    """
    await _outlast(work, again_after_s=again_after_s)


async def _outlast(work: Coroutine[Any, Any, T], *, again_after_s: float | None) -> T:
    # The caller hears of its cancellation when the work has ended, which is cancelled with it, and again, where a time is given.
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task}, timeout=None if cancelled is None else again_after_s)
        except asyncio.CancelledError as error:
            cancelled = error
        if cancelled is not None and again_after_s is not None:
            task.cancel()
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # the cancellation is what the caller hears of
        raise cancelled
    return task.result()
