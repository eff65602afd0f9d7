"""
Waiting grows out of concurrency, as queueing theory says it does.
"""

from __future__ import annotations

import math
import random

import pytest
from hermetic.world.http.bounds import BoundsError
from hermetic.world.http.queueing import Queue, load


def erlang_c(workers: int, offered: float) -> float:
    """
    The probability of having to wait in M/M/c. Source: Erlang 1917.
    """
    busy = offered**workers / math.factorial(workers) * workers / (workers - offered)
    return busy / (sum(offered**k / math.factorial(k) for k in range(workers)) + busy)


def test_requests_beyond_the_workers_wait_for_the_first_free_one():
    """
    Two workers, one second each, five at once: two begin now, two after a second, one after two.
    """
    queue = Queue(load(2, service_time=1))

    assert [queue.arrive(0.0, service_s=1.0).wait_s for _ in range(5)] == [0, 0, 1, 1, 2]


def test_a_lone_request_never_waits():
    """
    Without concurrency there is no waiting, however slow the service.
    """
    queue = Queue(load(1, service_time=5))

    assert [queue.arrive(now, service_s=5.0).wait_s for now in (0.0, 5.0, 11.0)] == [0, 0, 0]


def test_overflow_is_refused_and_told_when_there_is_room():
    """
    One worker and a queue of two: the fourth at once is refused until the first waiting one begins.
    """
    queue = Queue(load(1, service_time=1, queue=2))
    places = [queue.arrive(0.0, service_s=1.0) for _ in range(4)]

    assert [place.is_refused for place in places] == [False, False, False, True]
    assert places[3].wait_s == 1.0
    assert not queue.arrive(1.0, service_s=1.0).is_refused
    assert repr(queue) == "<Queue [1 workers | 4 served, 1 refused, longest 2]>"


def test_a_queue_of_none_serves_or_refuses():
    """
    queue=0: nobody waits.
    """
    queue = Queue(load(2, service_time=1, queue=0))

    assert [queue.arrive(0.0, service_s=1.0).is_refused for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize("workers, use", [(1, 0.5), (1, 0.8), (4, 0.7)])
def test_waiting_agrees_with_erlang(workers, use):
    """
    Mean wait of M/M/c = C(c, a) / (c mu - lambda); 200,000 arrivals of a fixed seed come within 5 %.
    """
    chance = random.Random(5)
    queue = Queue(load(workers, service_time=1))
    arrival = workers * use
    now = total = 0.0
    for _ in range(200_000):
        now += chance.expovariate(arrival)
        total += queue.arrive(now, service_s=chance.expovariate(1.0)).wait_s
    expected = erlang_c(workers, arrival) / (workers - arrival)

    assert math.isclose(expected, total / 200_000, rel_tol=0.05)


def test_busy_counts_the_workers_at_work():
    """
    At an instant.
    """
    queue = Queue(load(3, service_time=1))
    queue.arrive(0.0, service_s=1.0)
    queue.arrive(0.0, service_s=2.0)

    assert [queue.busy(now) for now in (0.5, 1.5, 2.5)] == [2, 1, 0]


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: load(0, service_time=1), r"load\(workers\) got 0. Give a whole number, 1 or more"),
        (lambda: load(2.0, service_time=1), r"load\(workers\) got 2.0"),
        (lambda: load(1, service_time=1, queue=-1), r"load\(queue\) got -1. Give a whole number, 0 or more"),
        (lambda: load(1, service_time=-1), r"constant\(seconds\) got -1"),
    ],
)
def test_bad_loads_are_refused(make, text):
    """
    By name, with the value and what would be right.
    """
    with pytest.raises(BoundsError, match=text):
        make()
