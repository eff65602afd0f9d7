"""
The thread that calls back when a time has passed.
"""

import os
import queue
import time

import pytest
from hermetic.guard.deadlines.watchdog import Watchdog


@pytest.fixture
def dog():
    watchdog = Watchdog(name="hermetic-test")
    yield watchdog
    watchdog.close()


def test_watches_fire_in_the_order_of_their_times(dog):
    """
    Also when the later one was set first.
    """
    fired = queue.SimpleQueue()
    now = time.monotonic()
    dog.watch(lambda: fired.put("late")).set(now + 0.05)
    dog.watch(lambda: fired.put("early")).set(now + 0.01)

    assert [fired.get(timeout=10), fired.get(timeout=10)] == ["early", "late"]


def test_a_cleared_watch_does_not_fire_and_a_moved_one_fires_once(dog):
    """
    Clearing and moving only store a number; the thread finds out when the old time comes.
    """
    fired = queue.SimpleQueue()
    now = time.monotonic()
    cleared, moved = dog.watch(lambda: fired.put("cleared")), dog.watch(lambda: fired.put("moved"))
    cleared.set(now + 0.01)
    moved.set(now + 0.01)
    cleared.clear()
    moved.set(now + 0.05)
    dog.watch(lambda: fired.put("end")).set(now + 0.1)

    assert [fired.get(timeout=10), fired.get(timeout=10)] == ["moved", "end"]
    assert fired.empty()


def test_a_watch_moved_earlier_fires_earlier(dog):
    """
    A nearer time wakes the thread; the farther entry is not fired again.
    """
    fired = queue.SimpleQueue()
    watch = dog.watch(lambda: fired.put(time.monotonic()))
    started = time.monotonic()
    watch.set(started + 1000)
    watch.set(started + 0.01)

    assert fired.get(timeout=10) < started + 1000


def test_a_callback_may_ask_to_be_called_again(dog):
    """
    The rungs of a ladder: each call says when the next one is due.
    """
    fired = queue.SimpleQueue()

    times = []

    def fire():
        times.append(time.monotonic())
        if len(times) < 3:
            return time.monotonic()
        fired.put("third")
        return None

    dog.watch(fire).set(time.monotonic())

    assert fired.get(timeout=10) == "third"
    assert times == sorted(times)


def test_a_closed_watchdog_starts_again_when_it_is_needed(dog):
    """
    Closing ends the thread; a later watch brings it back.
    """
    fired = queue.SimpleQueue()
    dog.watch(lambda: fired.put(1)).set(time.monotonic())
    fired.get(timeout=10)
    dog.close()

    assert dog.ident is None

    dog.watch(lambda: fired.put(2)).set(time.monotonic())

    assert fired.get(timeout=10) == 2


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_has_a_watchdog_of_its_own(dog):
    """
    Threads do not survive a fork; the child's first watch starts one there.
    """
    dog.watch(lambda: None).set(time.monotonic() + 1000)
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        dog.watch(lambda: os.write(write, b"fired") and None).set(time.monotonic())
        time.sleep(20)
        os._exit(0)
    os.close(write)
    try:
        assert os.read(read, 5) == b"fired"
    finally:
        os.close(read)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
