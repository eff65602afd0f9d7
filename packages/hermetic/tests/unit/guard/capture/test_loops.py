"""
Whether anything can still wake a loop.
"""

import asyncio
import contextlib
import socket
import threading

import pytest
from hermetic.guard.capture.loops import RunningLoop, can_be_woken, is_waiting, running_loops


def judged(coroutine):
    """
    Run a coroutine in a thread of its own; give what could wake its loop while it waits, then end it.
    """
    box = {}
    ready = threading.Event()

    async def main():
        box["loop"] = asyncio.get_running_loop()
        box["task"] = asyncio.current_task()
        box["loop"].call_soon(ready.set)
        await coroutine()

    def run():
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(main())

    thread = threading.Thread(target=run, name="hermetic-judged")
    thread.start()
    ready.wait()
    try:
        while True:
            one = next(one for one in running_loops() if one.ident == thread.ident)
            told = can_be_woken(one)
            if told != "callbacks are ready" and (told is not None or is_waiting(one)):
                return told
    finally:
        box["loop"].call_soon_threadsafe(box["task"].cancel)
        thread.join()


async def on_event():
    await asyncio.Event().wait()


async def on_timer():
    await asyncio.sleep(1000)


async def on_socket():
    left, right = socket.socketpair()
    left.settimeout(0)
    with left, right:
        await asyncio.get_running_loop().sock_recv(left, 1)


@pytest.mark.parametrize(
    "coroutine, told",
    [(on_timer, "a timer is set"), (on_socket, "a descriptor is watched")],
)
def test_a_loop_that_something_can_wake_is_no_deadlock(coroutine, told):
    """
    Timers and descriptors may end the wait.
    """
    assert judged(coroutine) == told


def test_a_busy_thread_may_wake_a_loop_and_an_idle_one_may_not():
    """
    Only a thread that has work to do counts; this test's own thread is one that runs.
    """
    told = judged(on_event)

    assert told is None or told.startswith("thread ")


def test_a_loop_that_was_closed_since_it_was_found_is_not_taken_for_deadlocked():
    """
    The thread that watches is not the loop's: what it looks at may be gone.
    """
    loop = asyncio.new_event_loop()
    loop.close()

    assert can_be_woken(RunningLoop(loop, threading.get_ident(), None)) == "it changed while it was looked at"
