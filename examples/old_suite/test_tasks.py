"""
Tasks and the loop: what works for ever in the background is waited for, and the run never ends.
"""

import asyncio

import pytest


async def announce(queue, sent):
    while True:
        sent.append(await queue.get())


@pytest.fixture
async def running():
    queue, sent = asyncio.Queue(), []
    asyncio.create_task(announce(queue, sent))
    yield queue, sent
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*rest)


async def test_a_message_is_sent(running):
    queue, sent = running
    await queue.put("the address changed")
    await asyncio.sleep(0.1)
    assert sent == ["the address changed"]
