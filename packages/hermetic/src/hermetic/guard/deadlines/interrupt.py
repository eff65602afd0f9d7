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
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

# Signals that few programs use, in the order of preference, with the interval timer that sends each. The timers matter
# when the interpreter's lock is held (a regular expression that backtracks): no thread of ours can run then, but the
# kernel still sends the signal, and the engine looks for signals.
SIGNALS: tuple[tuple[str, str | None], ...] = (
    ("SIGALRM", "ITIMER_REAL"),
    ("SIGVTALRM", "ITIMER_VIRTUAL"),
    ("SIGPROF", "ITIMER_PROF"),
    ("SIGUSR2", None),
    ("SIGUSR1", None),
)


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
        self._signum: int | None = None
        self._timer: int | None = None
        self._is_installed = False

    @property
    def means(self) -> str:
        """
        How it interrupts: the signal's name, or "asynchronous exception".
        """
        return "asynchronous exception" if self._signum is None else signal.Signals(self._signum).name

    def install(self) -> None:
        """
        Take a free signal if this is the main thread. Calling it again is harmless.
        """
        if self._is_installed and self._is_ours():
            return
        self._ident = threading.get_ident()
        self._is_installed = True
        self._signum = self._timer = None
        if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_kill"):
            return
        for name, timer_name in self._signals:
            signum = getattr(signal, name, None)
            timer = getattr(signal, timer_name, None) if timer_name else None
            if signum is None or signal.getsignal(signum) is not signal.SIG_DFL:
                continue
            if timer is not None and signal.getitimer(timer)[0]:
                continue
            signal.signal(signum, self._handle)
            # A blocking call that the signal ends must see EINTR, so that the handler runs and raises.
            signal.siginterrupt(signum, True)  # noqa: FBT003 - the standard library takes it by position only
            self._signum, self._timer = signum, timer
            return

    def uninstall(self) -> None:
        """
        Give the signal back, if it is still ours.
        """
        self.disarm_timer()
        if self._signum is not None and self._is_ours() and threading.current_thread() is threading.main_thread():
            signal.signal(self._signum, signal.SIG_DFL)
        self._is_installed = False
        self._signum = self._timer = None

    def _is_ours(self) -> bool:
        return self._signum is None or signal.getsignal(self._signum) == self._handle

    def arm_timer(self, delay: float) -> None:
        """
        Let the kernel send the signal after `delay` seconds, also while the interpreter's lock is held. From the
        main thread only; without a timer it does nothing.
        """
        if self._timer is not None:
            signal.setitimer(self._timer, delay)

    def disarm_timer(self) -> None:
        if self._timer is not None:
            signal.setitimer(self._timer, 0)

    def interrupt(self) -> None:
        """
        Ask for the interruption, from any thread.
        """
        if self._signum is not None and self._is_ours():
            with contextlib.suppress(ProcessLookupError):
                signal.pthread_kill(self._ident, self._signum)
        elif self._wanted() is not None:
            raise_in_thread(self._ident, Interrupted)

    def _handle(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the interpreter's signature
        error = self._wanted()
        if error is not None:
            raise error


def raise_in_thread(ident: int, kind: type[BaseException] | None) -> None:
    """
    Set, or with None take back, an asynchronous exception in a thread.

    Source: CPython, Python/pystate.c, PyThreadState_SetAsyncExc.
    """
    api: Any = ctypes.pythonapi
    api.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(kind) if kind is not None else None)
