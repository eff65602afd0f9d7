"""
The thread that no test notices.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from hermetic.guard.sentry import Sentry


class Counter:
    """
    Counts beats; `until` waits for a number of them.
    """

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def until(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= count, timeout=30)


def test_it_beats_until_it_rests_and_is_in_no_list_of_threads():
    """
    `threading` does not know it, so a test that counts threads finds what it would find without it.
    """
    before = threading.enumerate()
    counter = Counter()
    sentry = Sentry(counter, period_s=0.001)

    sentry.wake()
    beats = counter.until(3)
    listed = threading.enumerate()
    native = sentry.native_id
    sentry.rest()
    count = counter.count

    assert beats
    assert listed == before
    assert not Path(f"/proc/self/task/{native}").exists()
    assert not sentry.is_awake
    assert counter.count == count


def test_it_can_wake_again():
    """
    After a rest it goes on where it was.
    """
    counter = Counter()
    sentry = Sentry(counter, period_s=0.001)
    sentry.wake()
    sentry.rest()
    reached = counter.count

    sentry.wake()
    more = counter.until(reached + 2)
    sentry.rest()

    assert more


def test_what_a_beat_raises_ends_it_and_is_kept():
    """
    Nothing is written to anybody's stderr, and nothing starts it again.
    """
    gone = threading.Event()

    def beat():
        gone.set()
        raise ValueError("broken")

    sentry = Sentry(beat, period_s=0.001)
    sentry.wake()
    gone.wait(30)
    sentry.rest()
    sentry.wake()

    assert repr(sentry.failure) == "ValueError('broken')"
    assert not sentry.is_awake


FORK = """
import os, sys, warnings
from hermetic.guard.sentry import Sentry
warnings.simplefilter("error")
sentry = Sentry(lambda: None, period_s=0.001)
sentry.wake()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        os._exit(1 if sentry.is_awake else 0)
    assert os.waitpid(pid, 0)[1] == 0
    assert not sentry.is_awake
    sentry.wake()
    assert sentry.is_awake
sentry.rest()
"""


def test_a_fork_finds_it_gone():
    """
    From Python 3.12 on a fork of a process with threads warns, and a suite may have made warnings errors.
    """
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=50, check=False)

    assert (done.returncode, done.stderr) == (0, "")
