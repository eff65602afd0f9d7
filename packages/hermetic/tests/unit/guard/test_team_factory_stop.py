"""
The end: components stop in reverse, and what a clean-up gives to await is not dropped in silence.
"""

from __future__ import annotations

import pytest
from hermetic import CleanupError, FixtureFactory
from hermetic.foundation import ListSink, SystemClock
from hermetic.guard.component import Quiet
from hermetic.guard.ownership import Roll
from hermetic.guard.team import Team


class Recorder(Quiet):
    def __init__(self, name, log):
        self.name = name
        self.log = log

    def start(self):
        self.log.append(f"{self.name} starts")

    def stop(self):
        self.log.append(f"{self.name} stops")


def test_components_start_in_order_and_stop_in_reverse():
    """
    Each may rely on those before it.
    """
    log = []
    team = Team([Recorder("a", log), Recorder("b", log)], roll=Roll(), sink=ListSink(), clock=SystemClock())
    team.start()
    team.stop()

    assert log == ["a starts", "b starts", "b stops", "a stops"]


class Waited:
    """
    Something to await that nobody need await, so that none is left over.
    """

    def __await__(self):
        yield from ()


def test_a_clean_up_that_gives_something_to_await_is_told():
    """
    It has not done its work; the others run.
    """
    log = []
    make = FixtureFactory()
    make.defer(log.append, "first")
    make.defer(Waited)
    with pytest.raises(CleanupError, match="it returned something to await; use 'async with'"):
        make.close()

    assert log == ["first"]
