"""
Ending what runs.
"""

from __future__ import annotations

import asyncio

import pytest
from ip_monitor.application.cancellation import end_within, heed_cancellation, see_through


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


class Ending:
    """
    Ends as it is told when `may_end` is set.
    """

    def __init__(self, *, error: Exception | None = None) -> None:
        self.error = error
        self.is_begun, self.may_end = asyncio.Event(), asyncio.Event()
        self.did = ""

    async def run(self) -> str:
        self.is_begun.set()
        self.did = "cancelled"
        await self.may_end.wait()
        self.did = "ended"
        if self.error is not None:
            raise self.error
        return "result"


async def test_what_ends_in_time_is_not_cut_short_by_a_cancellation():
    """
    Its result, or its error, is the caller's only where nobody was cancelled.
    """
    endings = [Ending(), Ending(error=OSError("broken")), Ending(), Ending(error=OSError("broken"))]
    callers = [asyncio.create_task(end_within(one.run(), seconds=60)) for one in endings]
    for one in endings:
        await one.is_begun.wait()
    for caller in callers[:2]:
        caller.cancel()
    await asyncio.sleep(0)
    for one in endings:
        one.may_end.set()
    ended = await asyncio.gather(*callers, return_exceptions=True)

    assert [one.did for one in endings] == ["ended"] * 4
    assert [type(one) for one in ended[:2]] == [asyncio.CancelledError] * 2
    assert (ended[2], repr(ended[3])) == ("result", "OSError('broken')")


@pytest.mark.parametrize("cancels", [1, 2], ids=["at the end of its time", "when it is asked for again"])
async def test_what_does_not_end_in_time_is_cancelled(virtual_clock, cancels):
    """
    It has ended when the caller hears of its own cancellation.
    """
    ending = Ending()
    caller = asyncio.create_task(end_within(ending.run(), seconds=60))
    await ending.is_begun.wait()
    began = virtual_clock.monotonic()
    for number in range(cancels):
        asyncio.get_running_loop().call_later(number, caller.cancel)
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert ending.did == "cancelled"
    assert (virtual_clock.monotonic() - began >= 60) is (cancels == 1)
