"""
Which means interrupts the main thread, and that it is given back.

These tests use other signals than the run around them, whose own deadlines hold the usual ones.
"""

import re
import signal
import subprocess
import sys
import threading
import time
from textwrap import dedent, indent

import pytest
from hermetic.guard.capture.taking import take
from hermetic.guard.deadlines.interrupt import Interrupted, Interrupter

SIGNALS = (("SIGPROF", "ITIMER_PROF"), ("SIGIO", None), ("SIGURG", None))


@pytest.fixture
def wanted():
    return []


@pytest.fixture
def interrupter(wanted):
    one = Interrupter(lambda: Interrupted() if wanted else None, signals=SIGNALS)
    yield one
    one.uninstall()
    for name, _ in SIGNALS:
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def test_free_signals_are_taken_and_given_back(interrupter):
    """
    Nothing of the program's own signal handling is changed for longer than needed.
    """
    interrupter.install()

    assert interrupter.means == signal.Signals(signal.SIGIO).name

    interrupter.uninstall()

    assert [signal.getsignal(getattr(signal, name)) for name, _ in SIGNALS] == [signal.SIG_DFL] * len(SIGNALS)


def test_signals_that_the_program_uses_are_left_alone(interrupter):
    """
    A handler of the program's stays, and the next signal is taken.
    """
    theirs = lambda *_: None  # noqa: E731
    signal.signal(signal.SIGIO, theirs)
    interrupter.install()

    assert interrupter.means == "SIGURG"
    assert signal.getsignal(signal.SIGIO) is theirs


def test_a_timer_that_the_program_uses_is_left_alone(interrupter):
    """
    An interval timer that runs belongs to the program even when its signal has no handler yet.
    """
    signal.setitimer(signal.ITIMER_PROF, 1000)
    try:
        interrupter.install()
        interrupter.arm_timer(5)

        assert signal.getitimer(signal.ITIMER_PROF)[0] > 5
        assert signal.getsignal(signal.SIGPROF) is signal.SIG_DFL
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


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


@pytest.mark.untraced("the tracer would be the one that hangs")
@pytest.mark.parametrize(
    "interrupted",
    [
        """
        with contextlib.suppress(hermetic.DeadlineExceeded), hermetic.deadline(0.01, "busy"):
            while True:
                pass
        """,
        """
        one = Interrupter(Interrupted, signals=[])
        one.install()
        with contextlib.suppress(Interrupted):
            one.interrupt()
            while True:
                pass
        one.settle()
        """,
        """
        one = Interrupter(Interrupted, signals=[])
        one.install()
        one.is_pending = True  # and it has arrived long ago
        one.settle()
        """,
    ],
    ids=["a deadline", "a hang", "late"],
)
def test_a_thread_that_was_interrupted_leaves_no_mark_in_the_interpreter(interrupted):
    """
    With the mark that an exception waits left behind, 3.11 never begins a traced call again.
    """
    program = f"""
import contextlib, faulthandler, sys, threading
import hermetic
from hermetic.guard.deadlines.interrupt import Interrupted, Interrupter

def work():{indent(dedent(interrupted), "    ")}

def trace(frame, event, argument):
    return trace

def called():
    sys.settrace(None)

faulthandler.dump_traceback_later(20, exit=True)
thread = threading.Thread(target=work)
thread.start()
thread.join()
sys.settrace(trace)
called()
print("called")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("called\n", "")


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

    assert interrupter.means == signal.Signals(signal.SIGIO).name


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
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    interrupter.install()

    assert interrupter.means == "SIGURG"


def test_a_capture_out_of_the_handler_shows_the_line_that_was_interrupted():
    """
    Where code holds the interpreter's lock, the thread that hangs is the only one that can look.
    """
    captures = []
    one = Interrupter(lambda: captures.append(take()), signals=SIGNALS)

    def hang():
        one.interrupt()
        while not captures:
            time.sleep(0)

    one.install()
    try:
        hang()
    finally:
        one.uninstall()

    (state,) = [thread for thread in captures[0].threads if thread.is_main]
    # The signal struck in the very call that sent it.
    assert [line.frame.function.rpartition(".")[2] for line in state.lines[-2:]] == ["hang", "interrupt"]
    assert not any(thread.is_main for thread in take().threads)
