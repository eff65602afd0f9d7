"""
Alarms for ordinary code: each interrupts the thread that started it once its time has come.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

from hermetic.guard.deadlines.interrupt import Interrupted, Interrupter, raise_in_thread, take_back
from hermetic.guard.deadlines.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable

_AGAIN_S = 0.05


class _Bell:
    # One a process: signals and the thread that sends them are the process's, not an object's. Alarms of the main
    # thread share one signal; the handler raises as long as any of them has rung and has not been answered.

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.dog = Watchdog(name="hermetic-deadlines")
        self.rung: list[Alarm] = []
        self.users = 0
        self.interrupter = Interrupter(self._wanted)

    def _wanted(self) -> BaseException | None:
        return Interrupted() if any(alarm.is_main for alarm in self.rung) else None

    def enter(self) -> None:
        with self.lock:
            self.users += 1
            self.interrupter.install()

    def leave(self) -> None:
        with self.lock:
            self.users -= 1
            if not self.users:
                self.interrupter.uninstall()


_bell = _Bell()


class Alarm:
    """
    Interrupts the thread that calls `start` at the monotonic time `at`, again and again until it calls `stop`.

    `on_fire` runs once in the watchdog's thread, before the first interruption.
    """

    def __init__(self, at: float, *, on_fire: Callable[[], None]) -> None:
        self._at = at
        self._on_fire = on_fire
        self._is_rung = False
        self._is_stopped = False
        self.ident = 0
        self.is_main = False
        self._watch = _bell.dog.watch(self._ring)

    def start(self) -> None:
        self.ident = threading.get_ident()
        self.is_main = threading.current_thread() is threading.main_thread()
        if self.is_main:
            _bell.enter()
        self._watch.set(self._at)

    def _ring(self) -> float | None:
        with _bell.lock:
            if self._is_stopped:
                return None
            if not self._is_rung:
                self._is_rung = True
                self._on_fire()
                _bell.rung.append(self)
            if self.is_main:
                _bell.interrupter.interrupt()
            else:
                raise_in_thread(self.ident, Interrupted)
        # It may have been swallowed, or have landed in a __del__; the code is interrupted until its scope has ended.
        return monotonic() + _AGAIN_S

    def stop(self) -> None:
        """
        The scope has ended. An interruption on its way is taken back.
        """
        while True:
            try:
                self._stop()
            except Interrupted:
                continue  # it came while the scope was ending: that is what it wanted
            return

    def _stop(self) -> None:
        self._watch.clear()
        with _bell.lock:
            is_first = not self._is_stopped
            self._is_stopped = True
            if self in _bell.rung:
                _bell.rung.remove(self)
            if self._is_rung and not self.is_main:
                take_back(self.ident)
        if is_first and self.is_main:
            _bell.leave()
