"""
How soon a thread gets the interpreter's lock from one that computes.

A thread that wants the lock waits for `sys.getswitchinterval()`, 5 ms by default, before the one that has it is asked to
give it up (take_gil in Python/ceval_gil.c, CPython 3.11 to 3.13). Whoever must keep time in a thread cannot wait that
long. The interval is the whole interpreter's, so those who need a short one share it here.

Where new threads are traced, by coverage or a debugger, CPython 3.11 kills a thread that is started while another one is
interrupted in installing its trace function (Python/ceval.c, `_PyEval_SetTrace`): with an audit hook in the process that
takes some microseconds, and with a short interval one thread in some hundreds is interrupted just there.
"""

from __future__ import annotations

import sys
import threading

SHORT_S = 0.0002
_TRACERS_COLLIDE = sys.version_info < (3, 12)


class Switching:
    """
    Shortens the interval while at least one holder wants it short, and leaves alone what others set meanwhile.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._usual_s = 0.0

    def hold_short(self) -> None:
        """
        Shorten the interval to 0.2 ms until `release` was called as often. A shorter one stays, and so does any on
        CPython 3.11 while new threads are traced.
        """
        with self._lock:
            self._holders += 1
            current = sys.getswitchinterval()
            if self._holders == 1 and current > SHORT_S and not (_TRACERS_COLLIDE and threading.gettrace()):
                self._usual_s = current
                sys.setswitchinterval(SHORT_S)

    def release(self) -> None:
        """
        Give the interval back with the last holder, unless somebody else has set it since.
        """
        with self._lock:
            self._holders -= 1
            if self._holders == 0 and self._usual_s:
                if self._is_ours():
                    sys.setswitchinterval(self._usual_s)
                self._usual_s = 0.0

    def usual_s(self) -> float:
        """
        Seconds between switches as the program wants them: without what is held short here.
        """
        if not self._holders:
            return sys.getswitchinterval()
        with self._lock:
            return self._usual_s if self._usual_s and self._is_ours() else sys.getswitchinterval()

    def _is_ours(self) -> bool:
        # The interpreter keeps whole microseconds.
        return abs(sys.getswitchinterval() - SHORT_S) < 1e-6


switching = Switching()
"""
The interpreter has one interval, so there is one of these.
"""
