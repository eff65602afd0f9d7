"""
Tasks, coroutines, asynchronous generators.
"""

import asyncio
import contextlib
import gc

import pytest

kept = []


async def forever():
    await asyncio.Event().wait()


async def fails():
    raise ZeroDivisionError("seeded")


@pytest.mark.finds("asyncio.task")
async def test_defect_task_left_running():
    kept.append(asyncio.create_task(forever()))  # here
    await asyncio.sleep(0)


async def test_clean_task_cancelled_and_awaited():
    task = asyncio.create_task(forever())
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_clean_task_cancelled_at_the_end():
    asyncio.create_task(forever()).cancel()


@pytest.fixture
async def service():
    tasks = []
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_clean_task_that_a_fixture_stops(service):
    service.append(asyncio.create_task(forever()))
    await asyncio.sleep(0)


def test_clean_task_that_asyncio_run_cancels():
    async def main():
        kept.append(asyncio.create_task(forever()))

    asyncio.run(main())


@pytest.mark.finds("asyncio.exception_never_retrieved")
async def test_defect_exception_never_retrieved():
    kept.append(asyncio.create_task(fails()))  # here
    await asyncio.sleep(0)


async def test_clean_exception_retrieved():
    task = asyncio.create_task(fails())
    with contextlib.suppress(ZeroDivisionError):
        await task


@pytest.mark.finds("asyncio.task_destroyed")
def test_defect_task_destroyed_while_pending():
    loop = asyncio.new_event_loop()

    async def waits():
        await loop.create_future()

    async def main():
        loop.create_task(waits())  # here
        await asyncio.sleep(0)

    loop.run_until_complete(main())
    gc.collect()
    loop.close()


def test_clean_task_held_until_it_ends():
    async def main():
        task = asyncio.create_task(asyncio.sleep(0))
        gc.collect()
        await task

    asyncio.run(main())


@pytest.mark.finds("coroutine.never_awaited")
async def test_defect_coroutine_never_awaited():
    forever()  # here


async def test_clean_coroutine_closed():
    forever().close()


async def numbers():
    for number in range(3):
        yield number


@pytest.mark.finds("async_generator")
async def test_defect_generator_never_finished():
    generator = numbers()
    kept.append(generator)
    await anext(generator)  # here


async def test_clean_generator_closed():
    async with contextlib.aclosing(numbers()) as generator:
        await anext(generator)


async def test_clean_generator_read_to_its_end():
    assert [number async for number in numbers()] == [0, 1, 2]
