"""
What a capture of a loop's tasks tells, and which wait is the one that holds a task up.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

from hermetic.guard.capture import take_loop, take_task
from hermetic.guard.capture.loops import busy_thread, running_loops


@contextlib.asynccontextmanager
async def running(coroutine, name):
    task = asyncio.create_task(coroutine, name=name)
    for _ in range(5):
        await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_tasks_of_a_loop_are_told_with_what_they_wait_for():
    """
    Without asking which thread runs it.
    """
    event = asyncio.Event()
    async with running(event.wait(), "who waits"):
        capture = take_loop(asyncio.get_running_loop())

    (told,) = [one for one in capture.tasks if one.name == "who waits"]
    assert told.wait.kind == "event"
    assert (capture.waiting_at, capture.waiting_for) == (None, None)


def test_a_loop_without_tasks_has_nothing_to_tell():
    """
    It was just made.
    """
    loop = asyncio.new_event_loop()
    try:
        assert take_loop(loop).tasks == ()
    finally:
        loop.close()


async def test_a_task_that_waits_for_another_is_held_up_by_what_that_one_waits_for():
    """
    The innermost wait is the one to act on.
    """
    event = asyncio.Event()

    async def outer():
        await asyncio.create_task(event.wait(), name="inner")

    async with running(outer(), "outer") as task:
        capture = take_task(task)

    assert capture.waiting_for.kind == "event"


def test_a_running_loop_is_found_with_what_it_was_given_whatever_the_depth_of_the_stack():
    """
    From a function that is called here, and from one that is called by it.
    """

    def asked(deeper):
        return asked(deeper - 1) if deeper else running_loops()

    async def ask(deeper):
        return [(one.loop, one.main) for one in asked(deeper) if one.ident == threading.get_ident()]

    loop = asyncio.new_event_loop()
    try:
        for deeper in (0, 1):
            task = loop.create_task(ask(deeper))
            assert loop.run_until_complete(task) == [(loop, task)]
    finally:
        loop.close()


def test_a_pools_worker_that_waits_for_work_is_not_busy_and_one_that_works_is():
    """
    Told by its name.
    """
    begun, over = threading.Event(), threading.Event()

    def work():
        begun.set()
        over.wait(10)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="of the shop") as pool:
        pool.submit(threading.get_ident).result(10)
        others = {one.ident for one in threading.enumerate() if not one.name.startswith("of the shop")}
        ends = 1000
        while (idle := busy_thread(others)) is not None and ends:
            ends -= 1
        call = pool.submit(work)
        begun.wait(10)
        busy = busy_thread(others)
        over.set()
        call.result(10)

    assert idle is None
    assert busy == "thread 'of the shop_0' runs"
