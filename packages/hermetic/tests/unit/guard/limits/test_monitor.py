"""
What a monitor counts, and what limits do about it, on real files, connections, threads, tasks and processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
import sqlite3
import subprocess
import sys
import threading
import time

import aiohttp
import pytest
from hermetic import ResourceExhaustionError, ResourceLimitError, ResourceLimits, ResourceMonitor, ResourceSnapshot
from hermetic.guard.limits.kinds import NAMES
from hermetic.guard.limits.series import Series
from hermetic.world.http import MockServer


def here(offset: int = 0) -> str:
    frame = sys._getframe(1)
    return f"{frame.f_code.co_filename}:{frame.f_lineno + offset}"


def test_every_kind_is_counted_while_it_is_open_and_not_after(tmp_path):
    """
    Nothing is registered by hand: opening is enough, and so is closing.
    """
    release = threading.Event()
    with ResourceMonitor() as monitor:
        connections = [sqlite3.connect(tmp_path / f"{number}.db") for number in range(3)]
        files = [(tmp_path / f"file{number}").open("w") for number in range(2)]
        threads = [threading.Thread(target=release.wait) for _ in range(2)]
        for thread in threads:
            thread.start()
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        now = monitor.difference

        child.communicate(b"\n")
        release.set()
        for thread in threads:
            thread.join()
        for one in (*connections, *files):
            one.close()

    assert (now.database_connections, now.open_files, now.threads, now.child_processes) == (3, 2, 2, 1)
    assert [getattr(monitor.difference, name) for name in NAMES] == [0] * len(NAMES)
    assert (monitor.growth.database_connections, monitor.growth.threads) == (3, 2)


async def test_tasks_and_connections_of_http_clients_are_counted():
    """
    A client's connection is one wherever the library makes it; the server's side of it is none.
    """
    async with MockServer("api", seed=1) as api:
        api.get("/").text("hello")
        with ResourceMonitor() as monitor:
            async with aiohttp.ClientSession() as session:
                for _ in range(3):
                    async with session.get(api.url_for("/")) as reply:
                        await reply.read()
                task = asyncio.create_task(asyncio.Event().wait())
                now = monitor.difference
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    assert (now.http_connections, now.async_tasks) == (1, 1)


def test_a_peak_between_two_samples_is_not_missed(tmp_path):
    """
    What is opened and closed within microseconds counts, however often it is repeated.
    """
    paths = [tmp_path / str(number) for number in range(4)]
    for path in paths:
        path.touch()
    for _ in range(100):
        with ResourceMonitor() as monitor, contextlib.ExitStack() as stack:
            for path in paths:
                stack.enter_context(path.open())

        assert monitor.growth.open_files == 4


def test_files_that_cannot_be_opened_and_files_opened_one_after_the_other_do_not_add_up(tmp_path):
    """
    The clean twin: at most one was open at a time.
    """
    (tmp_path / "a").touch()
    with ResourceMonitor() as monitor:
        for _ in range(50):
            (tmp_path / "a").open().close()
            with contextlib.suppress(OSError):
                (tmp_path / "missing").open()
            with contextlib.suppress(OSError):
                (tmp_path / "a").open("x")
            with contextlib.suppress(OSError):
                tmp_path.open()

    assert monitor.growth.open_files == 1


def test_holders_name_the_line_that_made_them_the_most_first(tmp_path):
    """
    Ten from one line are told once, with an example.
    """
    with ResourceMonitor() as monitor:
        many = [sqlite3.connect(":memory:") for _ in range(10)]
        line = here(-1)
        one = sqlite3.connect(":memory:")
        first, second = monitor.holders("database_connections")
        for connection in (*many, one):
            connection.close()

    assert (first.count, second.count) == (10, 1)
    assert first.place.startswith(line)
    assert (first.title, first.subject) == ("SQLite connection", ":memory:")


def test_memory_is_sampled_in_another_thread_and_the_series_covers_the_time():
    """
    While this thread computes and never lets a loop run, samples are taken.
    """
    with ResourceMonitor(history=16) as monitor:
        block = bytearray(30 * 1024 * 1024)
        until = time.monotonic() + 20
        while len(monitor.series) < 5 and time.monotonic() < until:
            sum(range(1000))
        held = monitor.snapshot()
        del block

    series = monitor.series
    assert len(series) >= 5
    assert (series[0], series[-1]) == (monitor.baseline, monitor.snapshot())
    assert held.value("memory_mb") - monitor.baseline.value("memory_mb") > 25
    assert monitor.growth.value("memory_mb") > 25


def test_a_full_series_drops_every_second_sample_and_keeps_its_ends():
    """
    Bounded, whatever the time: a thousand samples in a series of eight.
    """
    series = Series(8)
    samples = [ResourceSnapshot(at_s=float(number)) for number in range(1000)]
    series.restart(samples[0])
    for one in samples[1:-1]:
        series.add(one)
    series.add(samples[-1], is_kept=True)
    kept = [one.at_s for one in series.kept()]

    assert 4 <= len(kept) <= 8
    assert (kept[0], kept[-1]) == (0.0, 999.0)
    assert kept == sorted(kept)
    with pytest.raises(ValueError, match="history=2 or more"):
        Series(1)


def test_a_limit_that_is_passed_is_told_with_who_held_it(tmp_path):
    """
    An ordinary block is judged when it ends; what it left open is closed.
    """
    with pytest.raises(ResourceExhaustionError) as caught, ResourceLimits(database_connections=2):
        kept = [sqlite3.connect(tmp_path / f"{number}.db") for number in range(4)]
        line = here(-1)

    error = caught.value
    assert (error.resource, error.used, error.limit) == ("database_connections", 4, 2)
    assert (
        str(error)
        .splitlines()[0]
        .startswith("database connections: 4 more than at the start in use at once, 2 allowed by the limits in ")
    )
    assert f"4 x SQLite connection from {line}" in str(error)
    assert error.cleaned == ("4 x SQLite connection closed",)
    assert "allow more: database_connections=4" in str(error)
    with pytest.raises(sqlite3.ProgrammingError):
        kept[0].execute("select 1")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


async def test_an_asynchronous_block_is_cancelled_when_it_passes_a_limit():
    """
    It does not go on opening; its own clean-up runs; its tasks are cancelled.
    """
    steps = []
    tasks = []
    with pytest.raises(ResourceExhaustionError) as caught:
        async with ResourceLimits(async_tasks=3):
            try:
                while True:
                    tasks.append(asyncio.create_task(asyncio.Event().wait()))
                    await asyncio.sleep(0)
            finally:
                steps.append("cleaned up")
    await asyncio.sleep(0)

    assert steps == ["cleaned up"]
    assert caught.value.limit == 3
    assert len(tasks) <= 6
    assert all(task.cancelled() for task in tasks)


async def test_a_cancellation_from_outside_passes_through():
    """
    A limit never swallows somebody else's cancellation.
    """
    entered = asyncio.Event()

    async def work():
        async with ResourceLimits(threads=1):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_from_outside_passes_through_also_when_a_limit_was_passed():
    """
    Both ask for it: the limit takes back its own, and the other one still counts.
    """

    async def work():
        async with ResourceLimits(database_connections=0):
            sqlite3.connect(":memory:").close()
            asyncio.current_task().cancel()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


def test_the_blocks_own_error_is_kept_with_a_note():
    """
    What running out led to may be the more telling error.
    """

    def work():
        with ResourceLimits(database_connections=0):
            connection = sqlite3.connect(":memory:")
            connection.close()
            raise LookupError("own")

    with pytest.raises(LookupError) as caught:
        work()

    assert "A resource limit was passed: database connections: 1 more" in caught.value.__notes__[0]


def numbers_to_come():
    yield 1


async def asynchronous_numbers():
    yield 1


async def test_decorators_limit_each_call_of_functions_and_coroutine_functions():
    """
    Fresh limits a call, also when calls overlap; a generator is refused.
    """

    @ResourceLimits(database_connections=1)
    def one():
        sqlite3.connect(":memory:").close()
        return "done"

    @ResourceLimits(threads=0)
    async def none():
        await asyncio.to_thread(int)

    assert [one(), one()] == ["done", "done"]
    with pytest.raises(ResourceExhaustionError, match="threads"):
        await none()
    with pytest.raises(TypeError, match="is a generator"):

        @ResourceLimits(threads=0)
        def numbers():
            yield 1


@pytest.mark.parametrize("function", [numbers_to_come, asynchronous_numbers], ids=["plain", "asynchronous"])
def test_a_generator_is_not_decorated(function):
    """
    A monitor around its making would watch nothing; where to put it instead is said.
    """
    for watching in (ResourceLimits(threads=0), ResourceMonitor()):
        with pytest.raises(TypeError, match=rf"is a generator: put `with {type(watching).__name__}\(…\)` inside it"):
            watching(function)


def test_what_was_stopped_keeps_its_last_figures(tmp_path):
    """
    Stopping, looking, forgetting and closing again change nothing, and nothing more is counted.
    """
    monitor = ResourceMonitor().start()
    with (tmp_path / "a").open("w"):
        last = monitor.stop()
        with (tmp_path / "b").open("w"):
            monitor.forget_closed()
            monitor.check()
            assert monitor.clean_up() == monitor.holders("open_files") == ()
            assert monitor.stop() is monitor.snapshot() is last


def test_a_limit_within_its_bounds_is_silent_and_a_near_one_is_kept_as_a_warning():
    """
    The clean twin, and the warning level.
    """
    with ResourceLimits(database_connections=5, warn_at=0.5) as monitor:
        many = [sqlite3.connect(":memory:") for _ in range(3)]
        for connection in many:
            connection.close()
    (near,) = monitor.warnings

    assert (near.resource, near.used, near.limit) == ("database_connections", 3, 5)
    assert "database_connections: 3 of 5 in use; most from " in str(near)


def test_a_memory_limit_names_lines_when_allocations_are_traced():
    """
    Without tracing the error says how to get them.
    """
    code = (
        "import tracemalloc, sys, hermetic\n"
        "limits = hermetic.ResourceLimits(memory_mb=10)\n"
        "if len(sys.argv) > 1: tracemalloc.start(5)\n"
        "try:\n"
        "    with limits as monitor:\n"
        "        block = b'x' * (len(sys.argv) + 40_000_000)\n"
        "        monitor.snapshot()\n"
        "except hermetic.ResourceExhaustionError as error: print(error)\n"
        "assert 'pytest' not in sys.modules\n"
    )
    plain, traced = (
        subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, timeout=60)
        for words in ([], ["traced"])
    )

    assert "memory: " in plain.stdout, plain.stderr
    assert "-X tracemalloc=10" in plain.stdout
    assert "blocks of memory from <string>:6" in traced.stdout, traced.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"threads": -1}, "invalid limit threads=-1 from the limits in"),
        ({"threads": 1.5}, "a part of one cannot be open"),
        ({"memory_mb": float("nan")}, "give megabytes from 0 on"),
        ({"memory_mb": float("inf")}, "leave it out for no limit"),
        ({"open_files": "4"}, "a str is no number"),
        ({"open_files": True}, "a bool is no number"),
        ({"warn_at": 2}, "give a part of the limit, from 0 to 1"),
    ],
)
def test_a_bad_limit_is_refused_where_it_is_written(words, told):
    """
    The name, the value, the file and the line, and what to give instead.
    """
    with pytest.raises(ResourceLimitError, match=told) as caught:
        ResourceLimits(**words)

    assert __file__ in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_monitor_that_was_not_started_or_was_started_twice_says_so():
    """
    Mistakes in use are told with what to do.
    """
    monitor = ResourceMonitor()
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = monitor.peak
    with monitor, pytest.raises(RuntimeError, match="started already"):
        monitor.start()
    with monitor, pytest.raises(KeyError, match="nonsense"):
        monitor.holders("nonsense")
    with pytest.raises(KeyError):
        monitor.snapshot().value("nonsense")


def test_snapshots_subtract():
    """
    `after - before`, number by number; what the system does not tell stays unknown.
    """
    before = ResourceSnapshot(at_s=1.0, threads=1, memory_bytes=None)
    after = ResourceSnapshot(at_s=3.0, threads=4, memory_bytes=5)
    difference = after - before

    assert (difference.at_s, difference.threads, difference.memory_bytes) == (2.0, 3, None)
    assert before.largest(after).memory_bytes == 5
    assert str(difference) == "3 threads"


ALONE = """
import json, os, sqlite3, sys, threading, hermetic
original = threading.Thread.start
with hermetic.ResourceMonitor() as one:
    with hermetic.ResourceMonitor() as two:
        connection = sqlite3.connect(":memory:")
        thread = len(os.listdir("/proc/self/task"))
        child = os.fork()
        if child == 0:
            sqlite3.connect(":memory:").close()
            os._exit(0)
        os.waitpid(child, 0)
        sqlite3.connect(":memory:").close()  # the thread had stepped aside for the fork
        after = len(os.listdir("/proc/self/task"))
connection.close()
names = sorted(os.listdir("/proc/self/task"))
print(json.dumps([one.growth.database_connections, two.growth.database_connections, thread, after, len(names),
                  threading.Thread.start is original, sorted({"pytest", "_pytest"} & set(sys.modules))]))
"""


def test_outside_pytest_monitors_share_a_census_that_is_gone_with_the_last():
    """
    In a plain script: counted once each, no thread and no patch left behind, forks survived, pytest never imported.
    """
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False, timeout=60)

    assert done.stderr == ""
    assert json.loads(done.stdout) == [2, 2, 2, 2, 1, True, []]
