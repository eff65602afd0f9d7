"""
Raising an exception in a thread that does not ask for it.

The main thread is interrupted by a signal, which also ends most blocking system calls: Python runs the handler, the
handler raises. Any other thread gets an asynchronous exception from the interpreter, which arrives with its next
bytecode: it ends busy loops, not a call that blocks in C.

Which signal: the first of `SIGNALS` that exists here and that the program does not use. Where there is none (Windows has
neither SIGALRM nor pthread_kill), the main thread gets the asynchronous exception too.
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

# Signals that few programs use, in the order of preference.
#
# Those without a timer interrupt: a blocking system call returns, Python runs the handler, the handler raises. The one with
# a timer is for code that holds the interpreter's lock and still looks for signals (a regular expression that
# backtracks): no thread of ours can run then, but the kernel sends the signal. Such code burns the processor, so the
# timer of processor time serves, and the real-time one is left to programs and to other plugins. It goes off in sound
# tests as well, so system calls are restarted after it.
SIGNALS: tuple[tuple[str, str | None], ...] = (
    ("SIGVTALRM", "ITIMER_VIRTUAL"),
    ("SIGRTMAX", None),
    ("SIGXCPU", None),
    ("SIGUSR2", None),
    ("SIGALRM", None),
)
# One to interrupt with, and one for the case that the program takes that for itself later: to take another then would be
# a change of its state in the middle of its work.
_PLAIN = 2


# The C function itself: `signal.getsignal` makes an enumeration member of each answer, at ten times the cost.
_handler_of: Any = vars(sys.modules["_signal"])["getsignal"]


class Interrupted(BaseException):
    """
    Raised inside the code that is interrupted, and turned into the real error where the deadline's scope ends.

    A BaseException, so that `except Exception: continue` does not swallow it.
    """


class Interrupter:
    """
    Interrupts one thread, the one that called `install`.

    `wanted` is asked in the interrupted thread, at the moment when it would be raised: it returns the exception, or
    None when it is no longer wanted, since a signal may arrive late.
    """

    def __init__(
        self, wanted: Callable[[], BaseException | None], *, signals: Sequence[tuple[str, str | None]] = SIGNALS
    ) -> None:
        self._wanted = wanted
        self._signals = signals
        self._ident = 0
        # One object for all signals, by which they are known again.
        self._handler = self._handle
        self._plain: list[int] = []
        self._timed: list[tuple[int, int]] = []
        self._every = 0.0
        self.is_pending = False
        """
        Whether an asynchronous exception is on its way, so that there is something to settle.
        """

    @property
    def means(self) -> str:
        """
        How it interrupts: the signal's name, or "asynchronous exception".
        """
        current = self._current()
        return "asynchronous exception" if current is None else signal.Signals(current).name

    def is_ready(self) -> bool:
        """
        Whether `install` has nothing to do. Asked for each part of each test, so the first signal answers for all.
        """
        plain = self._plain
        if plain and _handler_of(plain[0]) is self._handler:
            return True
        return self._ident != 0 and (not plain or self._current() is not None)

    def install(self) -> None:
        """
        Take free signals if this is the main thread. Calling it again is harmless.
        """
        if self.is_ready():
            return
        self._ident = threading.get_ident()
        self._plain, self._timed, self._every = [], [], 0.0
        if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_kill"):
            return
        for name, timer_name in self._signals:
            signum = getattr(signal, name, None)
            if signum is None:
                continue
            held = signal.getsignal(signum)
            # What was taken before stays taken when the program takes another one for itself.
            is_ours = held is self._handler
            if held is not signal.SIG_DFL and not is_ours:
                continue
            timer = getattr(signal, timer_name, None) if timer_name else None
            if timer is not None and not self._timed and (is_ours or not signal.getitimer(timer)[0]):
                signal.signal(signum, self._handler)
                signal.siginterrupt(signum, False)  # noqa: FBT003 - the standard library takes it by position only
                self._timed.append((signum, timer))
            elif timer_name is None and len(self._plain) < _PLAIN:
                signal.signal(signum, self._handler)
                signal.siginterrupt(signum, True)  # noqa: FBT003 - as above
                self._plain.append(signum)

    def uninstall(self) -> None:
        """
        Give the signals back, as far as they are still ours.
        """
        self.disarm_timer()
        if threading.current_thread() is threading.main_thread():
            for signum in (*self._plain, *(signum for signum, _ in self._timed)):
                if signal.getsignal(signum) == self._handler:
                    # By default each of them ends the process, also one that is on its way still. To ignore a signal is to
                    # discard what is pending of it. Source: POSIX.1-2017, volume 2, section 2.4.3.
                    signal.signal(signum, signal.SIG_IGN)
                    signal.signal(signum, signal.SIG_DFL)
        self._plain, self._timed = [], []
        self._ident = 0

    def _current(self) -> int | None:
        for signum in self._plain:
            if _handler_of(signum) is self._handler:
                return signum
        return None

    def arm_timer(self, every: float) -> None:
        """
        Let the kernel send the signal after each `every` seconds of processor time, also while the interpreter's lock is
        held. Without a free timer it does nothing.
        """
        if every == self._every:
            return  # it runs on: to stop and start it around each test would be the larger part of what a deadline costs
        self._every = every
        for signum, timer in self._timed:
            if signal.getsignal(signum) == self._handler:
                signal.setitimer(timer, every, every)

    def disarm_timer(self) -> None:
        self._every = 0.0
        for signum, timer in self._timed:
            if signal.getsignal(signum) == self._handler:
                signal.setitimer(timer, 0)

    def settle(self) -> None:
        """
        Nothing is to be interrupted any more: an asynchronous exception on its way is taken back.
        """
        if self.is_pending:
            self.is_pending = False
            take_back(self._ident)

    def interrupt(self) -> None:
        """
        Ask for the interruption, from any thread.
        """
        current = self._current()
        if current is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pthread_kill(self._ident, current)
        elif self._wanted() is not None:
            self.is_pending = True
            raise_in_thread(self._ident, Interrupted)

    def _handle(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the interpreter's signature
        error = self._wanted()
        if error is not None:
            raise error


def raise_in_thread(ident: int, kind: type[BaseException] | None) -> None:
    """
    Set, or with None replace by nothing, the asynchronous exception of a thread; see `take_back`.

    Source: CPython, Python/pystate.c, PyThreadState_SetAsyncExc.
    """
    api: Any = ctypes.pythonapi
    api.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(kind) if kind is not None else None)


def take_back(ident: int) -> None:
    """
    Take back an `Interrupted` that is on its way to the thread `ident`, whether it has arrived or not. To be called in that thread.

    To 3.12 the interpreter keeps one mark for all threads that such an exception waits, which only an arrival removes. With the
    mark left, every call looks for it from then on: a third slower on 3.12, and on 3.11 a call that is traced, by coverage or a
    debugger, never begins. So nothing is removed: the exception, or another one, arrives here.

    Source: CPython 3.11, Python/ceval.c, UNSIGNAL_ASYNC_EXC and DO_TRACING.
    """
    if ident != threading.get_ident():
        raise_in_thread(ident, None)
        return
    with contextlib.suppress(Interrupted):
        raise_in_thread(ident, Interrupted)
        while True:
            pass
