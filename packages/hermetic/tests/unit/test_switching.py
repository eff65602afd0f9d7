"""
How soon threads get the interpreter's lock while somebody must keep time.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager

import pytest
from hermetic.foundation import switching as module
from hermetic.foundation.switching import SHORT_S, Switching
from hermetic.world.http import MockServer


@pytest.fixture(autouse=True)
def usual():
    """
    An interval that nobody here sets otherwise, and threads that nobody traces.
    """
    before, tracer = sys.getswitchinterval(), threading.gettrace()
    threading.settrace(None)
    sys.setswitchinterval(0.003)
    yield 0.003
    sys.setswitchinterval(before)
    threading.settrace(tracer)


@contextmanager
def short(switching):
    switching.hold_short()
    yield
    switching.release()


def interval():
    return pytest.approx(sys.getswitchinterval())


def test_it_is_short_until_the_last_holder_lets_go(usual):
    """
    And the program's own interval is known all the while.
    """
    switching = Switching()
    with short(switching):
        with short(switching):
            assert (SHORT_S, usual) == (interval(), pytest.approx(switching.usual_s()))
        assert interval() == SHORT_S
    assert (usual, usual) == (interval(), pytest.approx(switching.usual_s()))


def test_an_interval_that_the_program_sets_meanwhile_is_the_programs():
    """
    It is told as the usual one, and stays.
    """
    switching = Switching()
    with short(switching):
        sys.setswitchinterval(0.001)
        assert switching.usual_s() == pytest.approx(0.001)
    assert interval() == 0.001


def test_a_shorter_interval_stays():
    """
    Holding it short never makes it longer.
    """
    sys.setswitchinterval(0.0001)
    switching = Switching()
    with short(switching):
        assert interval() == 0.0001
    assert interval() == 0.0001


def test_servers_in_threads_of_their_own_hold_it_short(usual):
    """
    One that runs in the loop of the test has no need of it.
    """
    with MockServer("one"), MockServer("two"):
        assert interval() == SHORT_S
    assert interval() == usual


async def test_a_server_in_the_tests_loop_leaves_it(usual):
    """
    It shares the thread with the code under test.
    """
    async with MockServer("three", in_loop=True):
        assert interval() == usual


@pytest.mark.parametrize("do_collide", [True, False], ids=["CPython 3.11", "later"])
def test_it_stays_where_new_threads_are_traced_and_would_collide(usual, monkeypatch, do_collide):
    """
    A thread that is interrupted in installing its trace function kills the next one.
    """
    monkeypatch.setattr(module, "_TRACERS_COLLIDE", do_collide)
    switching = Switching()
    threading.settrace(lambda *_: None)
    with short(switching):
        assert interval() == (usual if do_collide else SHORT_S)
        assert switching.usual_s() == pytest.approx(usual)
    assert interval() == usual
