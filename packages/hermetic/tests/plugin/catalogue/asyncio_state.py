"""
Locks, scheduled calls, exit stacks.
"""

import asyncio
import contextlib

import pytest

kept = []


@pytest.mark.finds("asyncio.lock")
async def test_defect_lock_still_held():
    lock = asyncio.Lock()  # here
    kept.append(lock)
    await lock.acquire()


async def test_clean_lock():
    async with asyncio.Lock():
        pass


@pytest.mark.finds("asyncio.timer")
async def test_defect_scheduled_call_never_cancelled():
    def later():  # here
        pass

    asyncio.get_running_loop().call_later(60, later)


async def test_clean_scheduled_call():
    def later():
        pass

    asyncio.get_running_loop().call_later(60, later).cancel()
    async with asyncio.timeout(60):
        pass


@pytest.mark.finds("exit_stack")
def test_defect_exit_stack_never_closed():
    stack = contextlib.ExitStack()  # here
    kept.append(stack)
    stack.callback(print, end="")


def test_clean_exit_stack():
    with contextlib.ExitStack() as stack:
        stack.callback(print, end="")
    contextlib.ExitStack()
