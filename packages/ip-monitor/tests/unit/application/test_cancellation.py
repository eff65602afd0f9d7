"""
Ending what runs.
"""

from __future__ import annotations

import asyncio

import pytest
from ip_monitor.application.cancellation import see_through


async def test_what_must_not_be_left_half_done_is_done_before_a_cancellation_counts():
    """
    Cancelled twice meanwhile, the caller hears of it after the end.
    """
    is_begun, may_end, done = asyncio.Event(), asyncio.Event(), []

    async def closing() -> None:
        is_begun.set()
        await may_end.wait()
        done.append("closed")

    caller = asyncio.create_task(see_through(closing()))
    await is_begun.wait()
    for _ in range(2):
        caller.cancel()
        await asyncio.sleep(0)
        assert not caller.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert done == ["closed"]


async def test_an_error_of_what_is_seen_through_is_raised_unless_the_caller_was_cancelled():
    """
    A cancellation comes first, and the error is then nobody's.
    """
    is_begun, may_end = asyncio.Event(), asyncio.Event()

    async def closing() -> None:
        is_begun.set()
        await may_end.wait()
        raise OSError("broken")

    callers = []
    for _ in range(2):
        is_begun.clear()
        callers.append(asyncio.create_task(see_through(closing())))
        await is_begun.wait()
    callers[1].cancel()
    await asyncio.sleep(0)
    may_end.set()
    ended = await asyncio.gather(*callers, return_exceptions=True)

    assert [type(one) for one in ended] == [OSError, asyncio.CancelledError]
