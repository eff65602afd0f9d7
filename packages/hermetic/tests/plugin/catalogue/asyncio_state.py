"""
Locks, scheduled calls, exit stacks.
"""

import asyncio
import contextlib
import sys

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


@pytest.mark.finds("exit_stack")
async def test_defect_asynchronous_exit_stack_never_closed():
    stack = contextlib.AsyncExitStack()  # here
    kept.append(stack)
    stack.callback(print, end="")


async def test_clean_asynchronous_exit_stack():
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(print, end="")


# Python 3.14 has none; 3.12 says that they will go.
if sys.version_info < (3, 14):

    @pytest.mark.finds("asyncio.child_watcher")
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_defect_child_watcher_never_closed():
        with asyncio.Runner() as runner:
            watcher = asyncio.SafeChildWatcher()  # here
            kept.append(watcher)
            watcher.attach_loop(runner.get_loop())

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_clean_child_watcher():
        with asyncio.Runner() as runner, asyncio.SafeChildWatcher() as watcher:
            watcher.attach_loop(runner.get_loop())
