"""
Tasks and the loop, mended: whoever starts a task cancels it and waits for its end, and a test waits for what it wants.
"""

import asyncio
import contextlib

import pytest
from hermetic import wait_until


async def announce(queue, sent):
    while True:
        sent.append(await queue.get())


@pytest.fixture
async def running():
    queue, sent = asyncio.Queue(), []
    task = asyncio.create_task(announce(queue, sent))
    yield queue, sent
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_message_is_sent(running):
    queue, sent = running
    await queue.put("the address changed")
    await wait_until(lambda: sent == ["the address changed"], deadline=5)
