"""
What a capture tells about tasks and threads.
"""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hermetic.guard.capture import render, take, take_task, waiting


async def settle():
    # Until every task that was just started stands at its await.
    for _ in range(5):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def running(coroutine, name="subject"):
    task = asyncio.create_task(coroutine, name=name)
    await settle()
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def hold(lock, *, until):
    async with lock:
        await until.wait()


async def get_from(queue):
    return await queue.get()


async def test_a_sleep_tells_the_time_left():
    """
    How long it would still take is what tells a slow wait from a hang.
    """
    async with running(asyncio.sleep(3600)) as task:
        capture = take_task(task)

    assert capture.waiting_for.kind == "sleep"
    assert 3500 < capture.waiting_for.left_s <= 3600
    assert "sleep of 3600 s" in capture.waiting_for.text


async def test_a_lock_tells_its_holder():
    """
    The task that stands inside `async with lock:` is named, with the line at which the other waits.
    """
    lock, until = asyncio.Lock(), asyncio.Event()
    async with running(hold(lock, until=until), "owner"), running(hold(lock, until=until)) as task:
        capture = take_task(task)

    assert capture.waiting_for.kind == "lock"
    assert capture.waiting_for.holders == ("owner",)
    assert capture.waiting_at.source == "async with lock:"
    assert "held by 'owner'" in waiting(capture)


@pytest.mark.parametrize(
    "make, kind, word",
    [
        (lambda: get_from(asyncio.Queue()), "queue", "an item in <Queue"),
        (lambda: asyncio.Event().wait(), "event", "event <asyncio.locks.Event"),
        (lambda: asyncio.Semaphore(0).acquire(), "semaphore", "semaphore"),
        (lambda: asyncio.Barrier(2).wait(), "barrier", "barrier"),
        (lambda: asyncio.wait_for(asyncio.Event().wait(), 50), None, ""),
    ],
    ids=["queue", "event", "semaphore", "barrier", "wait_for"],
)
async def test_waits_of_the_standard_library_are_told_by_kind(make, kind, word):
    """
    Each primitive is named for what it is, without its address in memory.
    """
    async with running(make()) as task:
        capture = take_task(task)

    assert capture.waiting_for.kind == kind or (kind is None and capture.waiting_for.kind in {"wait_for", "event"})
    assert word in capture.waiting_for.text
    assert "0x" not in capture.waiting_for.text


async def test_a_bare_future_is_told():
    """
    A future that nobody resolves has no better name than itself.
    """

    async def stuck():
        await asyncio.get_running_loop().create_future()

    async with running(stuck()) as task:
        capture = take_task(task)

    assert capture.waiting_for.kind == "future"
    assert capture.waiting_at.source == "await asyncio.get_running_loop().create_future()"


async def test_gather_and_task_groups_are_drawn_as_trees():
    """
    Children stand below the line that waits for them.
    """

    async def leaf():
        await asyncio.Event().wait()

    async def group():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(leaf(), name="in group")

    async def root():
        await asyncio.gather(group(), asyncio.create_task(leaf(), name="second"))

    async with running(root(), "root") as task:
        capture = take_task(task)

    (tree,) = capture.tasks
    group_tree = next(child for child in tree.children if child.name != "second")
    assert [child.name for child in group_tree.children] == ["in group"]
    assert {child.wait.kind for child in tree.children} == {"task group", "event"}
    text = render(capture)
    assert text.index("root") < text.index("in group")
    assert "await asyncio.Event().wait()" in text


async def test_an_asynchronous_generator_is_followed():
    """
    `async for` hides its generator behind a C object; the chain goes through it.
    """

    async def numbers():
        yield 1
        await asyncio.Event().wait()

    async def consume():
        async for _ in numbers():
            pass

    async with running(consume()) as task:
        capture = take_task(task)

    assert [line.frame.function.rpartition(".")[2] for line in capture.tasks[0].lines] == ["consume", "numbers", "wait"]


async def test_a_shielded_task_is_followed():
    """
    `shield` is looked through.
    """
    inner = asyncio.create_task(asyncio.Event().wait(), name="inner")

    async def outer():
        await asyncio.shield(inner)

    async with running(outer()) as task:
        capture = take_task(task)
    inner.cancel()
    await asyncio.gather(inner, return_exceptions=True)

    assert [child.name for child in capture.tasks[0].children] == ["inner"]


async def test_a_stream_tells_its_peer():
    """
    A read that never comes names the other end's address.
    """
    done = asyncio.Event()

    async def silent(_reader, writer):
        await done.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with running(reader.read()) as task:
        capture = take_task(task)
    done.set()
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()

    assert capture.waiting_for.kind == "socket"
    assert f"127.0.0.1:{port}" in capture.waiting_for.text


async def test_a_subprocess_tells_its_pid_and_command():
    """
    The child that does not end is named.
    """
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)
    async with running(child.wait()) as task:
        capture = take_task(task)
    child.stdin.close()
    await child.wait()

    assert capture.waiting_for.kind == "subprocess"
    assert f"subprocess {child.pid}" in capture.waiting_for.text


async def test_a_call_in_an_executor_names_its_thread():
    """
    What blocks is in another thread, so that thread is named and drawn.
    """
    started, release = threading.Event(), threading.Event()

    def block():
        started.set()
        release.wait()

    with ThreadPoolExecutor(1, thread_name_prefix="pool") as pool:
        task = asyncio.get_running_loop().run_in_executor(pool, block)
        started.wait()

        async def outer():
            await task

        async with running(outer()) as waiter:
            capture = take_task(waiter)
            threads = take().threads
        release.set()

    assert capture.waiting_for.kind == "executor"
    assert "pool_0" in capture.waiting_for.text
    worker = next(thread for thread in threads if thread.name == "pool_0")
    assert worker.wait.kind == "event"
    assert any(line.source == "release.wait()" for line in worker.lines)


def test_threads_that_wait_for_each_others_locks_are_a_cycle():
    """
    Deadlocks of threads are named like those of tasks.
    """
    first, second = threading.Lock(), threading.Lock()
    both = threading.Barrier(2)

    def acquire(one, other):
        with contextlib.suppress(RuntimeError), one:  # the lock that the test takes away is not there to release
            both.wait()
            with other:
                pass

    def named(name, *locks):
        return threading.Thread(target=acquire, args=locks, name=name)

    threads = [named("left", first, second), named("right", second, first)]
    for thread in threads:
        thread.start()
    found = ()
    while not found:
        found = take().cycles
    first.release()  # breaks the deadlock: "right" goes on, then "left"
    for thread in threads:
        thread.join()

    assert found == (("thread left", "thread right"),)


@pytest.mark.hermetic(blocking=60, reason="the coroutine blocks on purpose")
def test_a_capture_from_another_thread_sees_a_blocked_loop():
    """
    A loop that does not answer has no lag, and the blocked line of its thread is the one to look at.
    """
    release, captured = threading.Event(), []

    async def block():
        capturer.start()
        release.wait()  # the blocking line

    def capture():
        # The other thread is on its way from `start` to `wait`: look until it has arrived.
        while not captured or "release" not in captured[-1].waiting_at.source:
            captured.append(take())
        release.set()

    capturer = threading.Thread(target=capture, daemon=True)
    asyncio.run(block())
    capturer.join()

    assert captured[-1].lag_s is None
    assert captured[-1].waiting_at.source == "release.wait()  # the blocking line"
    assert captured[-1].waiting_for.kind == "event"


async def test_a_capture_from_another_thread_sees_an_idle_loop():
    """
    A loop that answers has a lag, and the await of its main task is the one to look at.
    """
    capture = await asyncio.to_thread(take)

    assert capture.lag_s is not None
    assert capture.waiting_at.source == "capture = await asyncio.to_thread(take)"


async def test_context_providers_are_asked_and_their_failures_told():
    """
    Requests in flight and recent events come from whoever wires them; a broken provider costs only itself.
    """

    def requests():
        return "requests in flight", ["GET /ip from client 3, 1.2 s"]

    def broken():
        raise sqlite3.OperationalError("no such table")

    text = render(take(providers=[requests, broken]))

    assert "requests in flight:\n  GET /ip from client 3, 1.2 s" in text
    assert "raised OperationalError: no such table" in text


async def test_variables_are_told_on_request_only():
    """
    Locals may hold secrets and megabytes: they are shown only when asked for, cut to a line.
    """

    async def wait_with(secret):
        await asyncio.Event().wait()

    async with running(wait_with("x" * 1000)):
        without = render(take())
        capture = take(with_variables=True)

    assert "secret = " not in without
    assert "secret = 'xxx" in render(capture)
    assert all(len(line) < 400 for line in render(capture).splitlines())


async def test_a_broken_repr_does_not_end_the_capture():
    """
    Nothing in the program may make its diagnosis fail.
    """

    class Broken:
        def __repr__(self):
            raise RuntimeError

        def __await__(self):
            return iter([None] * 1000)

    async def wait_on():
        await Broken()

    async with running(wait_on()) as task:
        capture = take_task(task)

    assert capture.waiting_at.source == "await Broken()"


async def test_files_below_the_root_are_shown_relative_to_it():
    """
    Paths in a report can be clicked where the tests are run.
    """
    async with running(asyncio.Event().wait()):
        text = render(take(), root=str(Path(__file__).parent))

    assert "\n    test_taking.py:" in text or " test_taking.py:" in text
