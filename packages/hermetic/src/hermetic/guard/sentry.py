"""
A thread that no test notices: for what must watch while the tests' own threads are held.

It is started below the `threading` module, so `threading.enumerate()` and `active_count()` do not know it, and it
steps aside around every fork: from Python 3.12 on `os.fork()` warns when the process has any other thread, and a
warning that the guard caused would fail a suite that turns warnings into errors. `before` hooks of
`os.register_at_fork` run ahead of the fork and the warning comes after the parent's own hooks (CPython,
Modules/posixmodule.c, `os_fork_impl`), so the thread cannot come back in a hook: whoever uses it asks for it again.
"""

from __future__ import annotations

import _thread
import os
import threading
import weakref
from pathlib import Path

# Taken at import: a test may break the module's own.
from time import sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ENDING_S = 2.0
_LOOKS, _LOOK_S = 2000, 0.00005


class Sentry:
    """
    Calls `beat` every `period_s` seconds in a thread of its own, from `wake()` until `rest()`.

    What `beat` raises ends the thread and is kept in `failure`. `beat` must return soon: `rest()` waits for it.

    Args:
        beat: what to call.
        period_s: seconds between the end of one call and the start of the next; may be changed at any time.
    """

    def __init__(self, beat: Callable[[], None], *, period_s: float) -> None:
        self.failure: BaseException | None = None
        self.native_id = 0
        self._beat = beat
        self.period_s = period_s
        self._stop: _thread.LockType | None = None
        self._gone: _thread.LockType | None = None
        self._pid = 0
        _follow_forks(self)

    @property
    def is_awake(self) -> bool:
        return self._stop is not None and self._pid == os.getpid()

    def wake(self) -> None:
        """
        Start the thread, unless it runs, has failed, or runs in the process that this one was forked from.
        """
        if self.is_awake or self.failure is not None:
            return
        self._pid = os.getpid()
        self._stop, self._gone = _thread.allocate_lock(), _thread.allocate_lock()
        self._stop.acquire()
        self._gone.acquire()
        _thread.start_new_thread(self._run, (self._stop, self._gone))

    def rest(self) -> None:
        """
        End the thread and wait until the system has forgotten it.
        """
        stop, gone = self._stop, self._gone
        self._stop = self._gone = None
        if stop is None or gone is None or self._pid != os.getpid():
            return
        stop.release()
        if self.native_id == threading.get_native_id() or not gone.acquire(timeout=_ENDING_S):
            return
        # Python's part has ended; the kernel's takes some microseconds more, and it is the kernel's count that fork reads.
        path = Path(f"/proc/self/task/{self.native_id}")
        for _ in range(_LOOKS):
            if not path.exists():
                return
            # Not in a loop that computes: the thread needs the interpreter's lock to end.
            sleep(_LOOK_S)

    def _run(self, stop: _thread.LockType, gone: _thread.LockType) -> None:
        self.native_id = threading.get_native_id()
        try:
            # The first one at once: who woke this thread may be at work for long, in C code that lets nobody in.
            self._beat()
            while not stop.acquire(timeout=self.period_s):
                self._beat()
        except BaseException as error:  # noqa: BLE001 - nobody is above; the user of this thread asks for it
            self.failure = error
        finally:
            gone.release()


def _follow_forks(sentry: Sentry) -> None:
    known = weakref.ref(sentry)

    def step_aside() -> None:
        one = known()
        if one is not None:
            one.rest()

    # There is no way to take a hook out again; the weak reference makes it idle once its sentry is gone.
    os.register_at_fork(before=step_aside)
