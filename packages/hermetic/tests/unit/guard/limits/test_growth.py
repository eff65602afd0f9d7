"""
What leaks a call, and what grew between two moments.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import functools
import random
import sqlite3
import subprocess
import sys

import pytest
from hermetic import ResourceBenchmark, ResourceLeakError, ResourceProfiler

pytestmark = pytest.mark.untraced("what a tracer remembers of each call is memory too, and grows")

LEAK_BYTES = 200 - sys.getsizeof(b"")


class Shop:
    """
    Operations that leave 200 bytes a call behind, and their twins that leave nothing.
    """

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.kept = []
        self.ring = collections.deque(maxlen=30)
        self.page = b""
        self.calls = 0
        self.cached = functools.lru_cache(maxsize=50)(lambda number: bytes(300))
        self.known = {}

    def busy(self) -> None:
        """
        What any program does: allocate, free, make cycles, replace, fill caches.
        """
        self.calls += 1
        cycle = [bytes(100)]
        cycle.append(cycle)
        self.page = bytes(self.draw.randrange(4000))
        self.ring.append(bytes(self.draw.randrange(500)))
        self.cached(self.calls)
        if len(self.known) < 40:
            self.known[self.calls] = bytes(200)

    def leaks(self) -> None:
        self.busy()
        self.kept.append(bytes(LEAK_BYTES))  # LEAK


@pytest.mark.prove("leak", sample=1, full=20)
def test_a_leak_of_200_bytes_a_call_is_told_from_none(rounds):
    """
    Every time, amid caches, cycles and pages of random sizes; with the line.
    """
    told = []
    for seed in range(rounds):
        leaking = ResourceBenchmark().run(Shop(seed).leaks)
        clean = ResourceBenchmark().run(Shop(seed).busy)
        told.append((leaking.is_leaking, clean.is_leaking))

        # A list keeps eight bytes for each of its items, and room for some more.
        assert abs(leaking.memory.value - 208) < 30, str(leaking)
        assert "self.kept.append(bytes(LEAK_BYTES))  # LEAK" in str(leaking), str(leaking)
        assert "no growth" in str(clean), str(clean)

    assert told == [(True, False)] * rounds


@pytest.mark.parametrize("size", [200, 560, 660])
def test_a_cache_that_fills_up_during_the_measurement_is_no_leak(size):
    """
    It grows, and it stops: early, when most calls are done, or only with the last of the 60 and the 600 of a measurement.
    """
    known = {}

    def remembers():
        if len(known) < size:
            known[len(known)] = bytes(300)

    result = ResourceBenchmark().run(remembers)

    assert not result.is_leaking, str(result)
    result.check()


WATCHED = """
import sys
from hermetic import ResourceBenchmark, ResourceProfiler

def watchdog_has_all_that_it_needs():
    assert sys.modules["hermetic.guard.capture.loops"]

def benchmark():
    ResourceBenchmark().run(watchdog_has_all_that_it_needs).check()

def profiler():
    with ResourceProfiler():
        watchdog_has_all_that_it_needs()

globals()[sys.argv[1]]()
"""


@pytest.mark.parametrize("measured_by", ["benchmark", "profiler"])
def test_what_hermetic_itself_loads_in_another_thread_does_not_count_as_the_programs(measured_by):
    """
    The watchdog looks at loops once a test has gone on for a while, which may be in the middle of the measurement.
    """
    subprocess.run([sys.executable, "-c", WATCHED, measured_by], check=True, timeout=60)


# Each round collects garbage in the loop's thread, and in a process that ran hundreds of tests that takes its time.
@pytest.mark.hermetic(blocking=10, reason="a benchmark collects garbage between its rounds")
async def test_leaked_tasks_are_told_in_number_with_their_line():
    """
    Not only bytes: what the census counts is fitted as well.
    """
    tasks = []

    async def leaks():
        tasks.append(asyncio.create_task(asyncio.Event().wait()))

    result = await ResourceBenchmark(rounds=12, calls=3, warmup=1).run_async(leaks)
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    assert result.resources["async_tasks"].value == pytest.approx(1)
    assert f"leaks 1 ± 0 async tasks a call, from line {__file__}:" in str(result)
    with pytest.raises(ResourceLeakError, match="async tasks a call"):
        result.check()


def test_bad_settings_and_coroutine_functions_are_refused():
    """
    With what to give instead.
    """
    with pytest.raises(ValueError, match="at least 10 rounds"):
        ResourceBenchmark(rounds=3)
    with pytest.raises(ValueError, match="a confidence between 0 and 1"):
        ResourceBenchmark(confidence=99)

    async def work():
        pass

    with pytest.raises(TypeError, match="await run_async"):
        ResourceBenchmark().run(work)


class Order:
    def __init__(self):
        self.lines = [1, 2]


def test_a_profiler_tells_what_grew_by_line_by_type_and_by_kind():
    """
    Callers above what they call; what came before the checkpoint is not in it.
    """
    kept = []

    def remember():
        kept.append(bytearray(4000))
        kept.append(Order())

    def work():
        for _ in range(30):
            remember()

    with ResourceProfiler() as profiler:
        profiler.checkpoint("before")
        early = bytearray(500_000)
        profiler.checkpoint("work")
        work()
        connection = sqlite3.connect(":memory:")
    connection.close()
    growth = profiler.growth("work")
    text = str(growth)
    (resource,) = growth.resources
    orders = next(one for one in growth.types if one.name.endswith(".Order"))

    assert (resource.count, resource.holder.title) == (1, "SQLite connection")
    assert orders.count == 30
    assert 120_000 < growth.size_bytes < 250_000
    lines = text.splitlines()
    caller = next(number for number, line in enumerate(lines) if line.endswith("  work()"))
    callee = next(number for number, line in enumerate(lines) if "bytearray(4000)" in line)
    assert caller < callee
    assert lines[callee].index(__file__) > lines[caller].index(__file__)
    assert "bytearray(500_000)" not in text
    assert "bytearray(500_000)" in str(profiler.growth("before", "work"))
    assert len(early) == 500_000
    with pytest.raises(KeyError, match=r"no checkpoint 'x'; there are 'start', 'before', 'work', 'end'"):
        profiler.growth("x")


def test_what_the_program_makes_is_told_before_the_many_types_of_pythons_own():
    """
    Twelve kinds of those grew by more; which of them grow depends on the moment.
    """

    class Order:
        __slots__ = ("note",)

    Order.__module__ = "shop"
    makers = (list, dict, set, collections.deque, collections.OrderedDict, collections.Counter, collections.ChainMap)
    makers = (*makers, collections.defaultdict, random.Random, contextlib.ExitStack, asyncio.Event, asyncio.Lock)
    kept = [Order]
    with ResourceProfiler(memory=False) as profiler:
        kept.append([Order(), *(make() for make in makers for _ in range(100))])
    first, *others = profiler.growth().types

    assert (first.name.rpartition(".")[2], first.count) == ("Order", 1)
    sizes = [one.size_bytes for one in others]
    assert sizes == sorted(sizes, reverse=True)
    assert len(others) == 9
    assert first.size_bytes < sizes[-1]
