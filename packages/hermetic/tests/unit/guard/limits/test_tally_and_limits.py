"""
Counting by path, by mode and between two counts; what a monitor refuses, and how it tells of two limits at once.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading

import pytest
from hermetic import ResourceBenchmark, ResourceExhaustionError, ResourceLimits, ResourceMonitor, ResourceProfiler
from hermetic.guard.census.running import RUNNING
from hermetic.guard.limits.fit import student


@pytest.mark.parametrize(
    "confidence, degrees, expected",
    [(0.99, 20, 2.845340), (0.99, 28, 2.763262), (0.95, 20, 2.085963), (0.9, 28, 1.701131)],
)
def test_quantiles_of_students_t_are_those_of_the_tables(confidence, degrees, expected):
    """
    To five places, where a series has as many points as a benchmark makes. Source: NIST/SEMATECH e-Handbook, 1.3.6.7.2.
    """
    assert student(confidence, degrees) == pytest.approx(expected, abs=6e-6)


def test_a_file_that_is_open_three_times_counts_three_times(tmp_path):
    """
    By its path, as the kernel lists it.
    """
    path = tmp_path / "file"
    path.touch()
    with ResourceMonitor() as monitor:
        files = [path.open() for _ in range(3)]
        count = monitor.difference.open_files
        for file in files:
            file.close()

    assert count == 3


def test_a_file_that_was_opened_often_and_is_open_once_counts_once(tmp_path):
    """
    The others were closed before it, each by a thread of its own: whoever counts cannot know that from the order.
    """
    path = tmp_path / "file"
    path.touch()
    with ResourceMonitor() as monitor:
        for _ in range(5):
            thread = threading.Thread(target=lambda: path.open().close())
            thread.start()
            thread.join()
        with path.open():
            count = monitor.difference.open_files

    assert count == 1


def test_a_file_that_is_made_anew_is_counted_while_it_is_opened_and_one_that_exists_is_not(tmp_path):
    """
    By mode x, which fails for the second.
    """
    with ResourceMonitor() as made:
        (tmp_path / "new").open("x").close()
    with ResourceMonitor() as refused, contextlib.suppress(FileExistsError):
        (tmp_path / "new").open("x").close()

    assert (made.growth.open_files, refused.growth.open_files) == (1, 0)


def test_what_is_closed_is_taken_off_the_books_when_it_is_counted(tmp_path):
    """
    A program that opens one file after the other would be counted ever slower.
    """
    path = tmp_path / "file"
    path.touch()
    with ResourceMonitor() as monitor:
        for _ in range(50):
            path.open().close()
            monitor.snapshot()
        known = [one for one in RUNNING.census.ledger.all() if one.tracker.kind == "file"]
        mine = [one for one in known if getattr(one(), "path", "") == str(path)]

    assert len(mine) <= 1


def test_a_limit_is_held_between_two_counts():
    """
    What is opened is counted again only when a sixteenth more was opened; a limit that lies between is passed by the first
    one above it, although all are closed at once.
    """
    with pytest.raises(ResourceExhaustionError) as caught, ResourceMonitor(ResourceLimits(database_connections=64)):
        connections = [sqlite3.connect(":memory:") for _ in range(65)]
        for one in connections:
            one.close()

    assert caught.value.used == 65


def test_a_second_limit_is_told_once_with_the_first(tmp_path):
    """
    However often it is asked.
    """
    monitor = ResourceMonitor(ResourceLimits(database_connections=1, open_files=1), cleanup=False).start()
    connections = [sqlite3.connect(":memory:") for _ in range(2)]
    files = [(tmp_path / str(number)).open("w") for number in range(2)]
    raised = []
    for _ in range(2):
        with pytest.raises(ResourceExhaustionError) as caught:
            monitor.check()
        raised.append(caught.value)
    for one in (*connections, *files):
        one.close()
    monitor.stop()

    assert raised[0] is raised[1]
    assert raised[0].resource == "database_connections"
    assert [note.partition(":")[0] for note in raised[0].__notes__] == ["Also"]
    assert "open_files" in raised[0].__notes__[0]


async def items():
    yield 1


@pytest.mark.parametrize("function", [items, lambda: (yield)])
def test_a_generator_cannot_be_decorated(function):
    """
    A monitor around its making would watch nothing.
    """
    with pytest.raises(TypeError, match="is a generator: put `with ResourceMonitor"):
        ResourceMonitor()(function)


class Bare:
    """
    A callable without a name.
    """

    def __call__(self):
        pass

    def __repr__(self):
        return "a bare call"


@pytest.mark.parametrize("operation, name", [(Bare, "Bare"), (Bare(), "a bare call")])
def test_an_operation_is_told_by_its_name_or_else_as_it_is_shown(operation, name):
    """
    Unless it is given one.
    """
    benchmark = ResourceBenchmark(rounds=10, calls=1, warmup=0)

    assert str(benchmark.run(operation)).startswith(f"{name}: no growth (")
    assert benchmark.run(operation, name="sell").operation == "sell"


def test_one_frame_is_enough():
    """
    To tell the line; none is not.
    """
    assert ResourceBenchmark(frames=1)
    assert ResourceProfiler(frames=1)
    with pytest.raises(ValueError, match="frames=0"):
        ResourceBenchmark(frames=0)
    with pytest.raises(ValueError, match="frames=0"):
        ResourceProfiler(frames=0)


class Order:
    """
    Something that holds itself.
    """

    def __init__(self):
        self.me = self


def test_what_only_circles_hold_has_not_grown():
    """
    The next collection frees it.
    """
    with ResourceProfiler(memory=False) as profiler:
        for _ in range(50):
            Order()

    assert not [one for one in profiler.growth().types if one.name.endswith(".Order")]
