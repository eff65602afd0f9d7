"""
How often the ladder interrupts what hangs.
"""

from __future__ import annotations

import time

import pytest
from hermetic.guard.deadlines.ladder import Ladder
from hermetic.guard.deadlines.watchdog import Watchdog

# Not those of the ladder that watches this very test. Its timer counts processor time.
SIGNALS = (("SIGPROF", "ITIMER_PROF"), ("SIGUSR2", None))


class Over(BaseException):
    """
    What is raised in the code that hangs.
    """


class Handler:
    def __init__(self):
        self.steps = []

    def capture(self):
        return None

    def captured(self, hang):
        pass

    def stepped(self, hang):
        self.steps.append(hang.rung)

    def error(self, hang):
        return Over()

    def end(self, hang):
        raise AssertionError("nothing of this needs the process to end")


def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


@pytest.fixture
def ladder():
    dog = Watchdog()
    ladder = Ladder(Handler(), dog=dog, grace=30, signals=SIGNALS)
    ladder.install()
    yield ladder
    ladder.uninstall()
    dog.close()


def test_who_cleans_up_after_an_interruption_is_left_alone_for_half_the_grace(ladder):
    """
    The kernel's timer goes on meanwhile, ten times here: a second error would break the clean-up, and with it the next
    test.
    """
    ladder.arm("call", 0.05, source="this test")
    with pytest.raises(Over):
        burn(20)
    burn(0.2)

    assert ladder.disarm() is not None
