"""
What a deadline says of itself, a signal that the program took for itself, and a watch that is set while nothing is watched.
"""

from __future__ import annotations

import asyncio
import queue
import signal
import sys
import threading
import time

import hermetic
import pytest
from hermetic import DeadlineExceeded
from hermetic.guard.deadlines.ladder import Ladder
from hermetic.guard.deadlines.watchdog import Watchdog


async def test_a_deadline_says_whether_it_is_open_and_what_is_left():
    """
    The whole budget before it begins, nothing once it has passed.
    """
    limit = hermetic.deadline(300, "save")
    before = (repr(limit), limit.remaining())
    async with limit:
        inside = repr(limit)
    passed = hermetic.deadline(0.01, "load")
    with pytest.raises(DeadlineExceeded):
        async with passed:
            try:
                await asyncio.Event().wait()
            finally:
                left = (repr(passed), passed.remaining())

    assert before == ("<Deadline 'save' 300 s, closed>", 300)
    assert inside == "<Deadline 'save' 300 s, open>"
    assert repr(limit) == "<Deadline 'save' 300 s, closed>"
    assert left == ("<Deadline 'load' 0.01 s, fired>", 0.0)


TAKEN = (signal.SIGPROF, signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN)


class Over(BaseException):
    """
    What is raised in the code that hangs.
    """


class Handler:
    def capture(self):
        return None

    def captured(self, hang):
        pass

    def stepped(self, hang):
        pass

    def error(self, hang):
        return Over()

    def end(self, hang):
        raise AssertionError("nothing of this needs the process to end")


@pytest.fixture
def dog():
    watchdog = Watchdog(name="hermetic-test")
    yield watchdog
    watchdog.close()


@pytest.fixture
def before():
    """
    The handlers that there were, put back afterwards.
    """
    handlers = {number: signal.getsignal(number) for number in TAKEN}
    yield handlers
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_when_the_program_takes_the_signal_for_itself_the_next_phase_takes_another(dog, before):
    """
    By a signal the error itself is raised in the code that hangs.
    """
    names = ("SIGUSR2", "SIGUSR1", "SIGRTMIN")
    ladder = Ladder(Handler(), dog=dog, grace=30, signals=[(name, None) for name in names])
    ladder.install()
    for name in names[:2]:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    ladder.arm("call", 0.05, source="this test")
    ends = time.monotonic() + 20
    try:
        with pytest.raises(Over):
            while time.monotonic() < ends:
                pass
    finally:
        ladder.uninstall()


def test_the_timer_is_stopped_also_when_another_signal_was_taken_in_between(dog, before):
    """
    It would end a later program: nobody handles its signal any more.
    """
    ladder = Ladder(Handler(), dog=dog, grace=30, signals=(("SIGPROF", "ITIMER_PROF"), ("SIGUSR2", None)))
    ladder.install()
    ladder.arm("call", 300, source="this test")
    running = signal.getitimer(signal.ITIMER_PROF)[1]
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    ladder.arm("call", 200, source="this test")
    ladder.uninstall()

    assert running > 0
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGPROF) == before[signal.SIGPROF]


def test_a_watch_that_is_set_while_the_thread_is_idle_wakes_it(dog):
    """
    It would sleep a minute otherwise.
    """
    fired = queue.SimpleQueue()
    watch = dog.watch(lambda: fired.put("fired"))
    watch.set(time.monotonic())
    fired.get(timeout=10)
    (thread,) = [one for one in threading.enumerate() if one.name == "hermetic-test"]
    ends = time.monotonic() + 10
    while sys._current_frames()[thread.ident].f_code.co_name != "wait" and time.monotonic() < ends:
        pass
    watch.set(time.monotonic() + 0.01)

    assert fired.get(timeout=10) == "fired"
