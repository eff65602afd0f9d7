"""
Ending what runs.
"""

from __future__ import annotations

import asyncio

import pytest
from ip_monitor.application.cancellation import heed_cancellation, see_through


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


async def test_work_that_loses_a_cancellation_is_cancelled_again():
    """
    As a library does that connects by `asyncio.wait_for` of Python 3.11.
    """
    is_begun, lost = asyncio.Event(), []

    async def connecting() -> None:
        is_begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.append("once")
        await asyncio.Event().wait()

    caller = asyncio.create_task(heed_cancellation(connecting(), again_after_s=0.001))
    await is_begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert lost == ["once"]


async def test_work_that_ends_by_itself_ends_for_its_caller_in_the_same_way():
    """
    With its error, or without; and whoever is cancelled hears of that alone.
    """

    async def fine() -> None:
        await asyncio.sleep(0)

    async def broken() -> None:
        await asyncio.sleep(0)
        raise OSError("broken")

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OSError("broken") from None

    await heed_cancellation(fine())
    with pytest.raises(OSError, match="broken"):
        await heed_cancellation(broken())
    caller = asyncio.create_task(heed_cancellation(stubborn()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
