"""
Which means interrupts the main thread, and that it is given back.
"""

import re
import signal
import threading
import time

import pytest
from hermetic.guard.deadlines.interrupt import SIGNALS, Interrupted, Interrupter


@pytest.fixture
def wanted():
    return []


@pytest.fixture
def interrupter(wanted):
    one = Interrupter(lambda: Interrupted() if wanted else None)
    yield one
    one.uninstall()


@pytest.fixture(autouse=True)
def signals_as_before():
    names = [getattr(signal, name) for name, _ in SIGNALS]
    before = {name: signal.getsignal(name) for name in names}
    timer = signal.setitimer(signal.ITIMER_REAL, 0)
    for name in names:
        signal.signal(name, signal.SIG_DFL)
    yield
    for name, handler in before.items():
        signal.signal(name, handler)
    signal.setitimer(signal.ITIMER_REAL, *timer)


def test_the_first_free_signal_is_taken_and_given_back(interrupter):
    """
    Nothing of the program's own signal handling is changed for longer than needed.
    """
    interrupter.install()

    assert interrupter.means == "SIGALRM"

    interrupter.uninstall()

    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_signals_that_the_program_uses_are_left_alone(interrupter):
    """
    A handler of the program's stays, and the next signal is taken.
    """
    theirs = lambda *_: None  # noqa: E731
    signal.signal(signal.SIGALRM, theirs)
    interrupter.install()

    assert interrupter.means == "SIGVTALRM"
    assert signal.getsignal(signal.SIGALRM) is theirs


def test_a_timer_that_the_program_uses_is_left_alone(interrupter):
    """
    An interval timer that runs belongs to the program even when its signal has no handler yet.
    """
    signal.setitimer(signal.ITIMER_REAL, 1000)
    try:
        interrupter.install()

        assert interrupter.means == "SIGVTALRM"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def test_without_signals_the_main_thread_gets_an_asynchronous_exception(wanted):
    """
    Where there is neither SIGALRM nor pthread_kill, busy loops still end.
    """
    one = Interrupter(lambda: Interrupted() if wanted else None, signals=[("SIGNONE", "ITIMER_NONE")])
    one.install()
    wanted.append(True)
    threading.Timer(0.02, one.interrupt).start()

    assert one.means == "asynchronous exception"
    with pytest.raises(Interrupted):
        while True:
            time.sleep(0.001)


def test_a_platform_without_pthread_kill_falls_back(interrupter, monkeypatch):
    """
    As on Windows.
    """
    monkeypatch.delattr(signal, "pthread_kill")
    interrupter.install()

    assert interrupter.means == "asynchronous exception"


def test_an_interruption_that_is_no_longer_wanted_does_nothing(interrupter):
    """
    A signal may arrive after the scope that asked for it has ended.
    """
    interrupter.install()
    interrupter.interrupt()
    time.sleep(0)

    assert interrupter.means == "SIGALRM"


def test_a_regular_expression_that_holds_the_interpreter_is_interrupted_by_the_timer(interrupter, wanted):
    """
    No thread runs while it backtracks; the kernel's timer reaches the engine all the same.
    """
    wanted.append(True)
    interrupter.install()
    interrupter.arm_timer(0.05)

    with pytest.raises(Interrupted):
        re.match(r"(a+)+$", "a" * 60 + "b")


def test_a_handler_replaced_by_the_program_is_noticed_at_the_next_install(interrupter):
    """
    Code under test may take the signal for itself; another one is found.
    """
    interrupter.install()
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    interrupter.install()

    assert interrupter.means == "SIGVTALRM"
