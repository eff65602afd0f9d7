"""
Whether a pool's worker has something to do, which decides whether a loop is deadlocked.
"""

from __future__ import annotations

import asyncio
import threading

import aiosqlite
from hermetic.guard.capture.loops import busy_thread


async def test_a_worker_in_c_code_is_at_work():
    """
    It stands in the same frame as one that waits for its queue, but its loop will be woken: that is no deadlock.
    """
    lock = threading.Lock()
    async with aiosqlite.connect(":memory:") as database:
        besides = {one.ident for one in threading.enumerate()} - {database._thread.ident}
        lock.acquire()
        call = asyncio.ensure_future(database._execute(lock.acquire))
        while busy_thread(besides) is None:  # noqa: ASYNC110 - no event tells that another thread has entered C code
            await asyncio.sleep(0)
        lock.release()
        await call
