"""
The ladder that ends a hang, one rung after the other.

    armed → captured → cancelled → interrupted → ended

It watches one *phase* at a time, in one thread (a test's setup, its call, its teardown). Nothing happens while a phase
is in time but the storing of a few numbers. When its time is over, the watchdog's thread

1. captures what is waited for and hands it over, before anything is changed;
2. cancels the future that the thread's loop was told to run (nothing to do when no loop runs there);
3. after `grace` seconds, interrupts the thread, again and again. Tasks that were cancelled and did not end are taken out
   of the loop's register first, so that closing the loop does not wait for them for ever;
4. after another `grace` seconds, hands the process over to be ended.

Two things go on in between, both cheap because they begin only when a phase lasts: a patrol that looks whether the
thread's loop is deadlocked, for then there is nothing to wait for; and a backstop in C (`faulthandler`) that ends the
process when this very thread cannot run, since something holds the interpreter's lock.
"""

from __future__ import annotations

import contextlib
import faulthandler
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, cast

from hermetic.guard import late
from hermetic.guard.deadlines.interrupt import SIGNALS, Interrupter
from hermetic.guard.deadlines.rung import Rung

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from hermetic.guard.capture import Capture
    from hermetic.guard.capture.loops import RunningLoop
    from hermetic.guard.deadlines.hang import Hang
    from hermetic.guard.deadlines.watchdog import Watchdog

_PATROL_S = 0.25
_AGAIN_S = 0.1
# What the backstop leaves the ladder for its own work before it ends the process.
_BACKSTOP_S = 1.5
# Phases shorter than this have their backstop set at once, since the patrol might come too late.
_SHORT_S = 2.0
_KEPT = 1000
# It brings asyncio, so it is loaded when a phase lasts and asyncio is there.
_LOOPS = "hermetic.guard.capture.loops"


class Handler(Protocol):
    """
    What the ladder asks of whoever uses it. All calls but `error` come from the watchdog's thread.
    """

    def capture(self) -> Capture: ...

    def captured(self, hang: Hang) -> None:
        """
        The capture was taken: keep it, for the process may not live much longer.
        """
        ...

    def stepped(self, hang: Hang) -> None:
        """
        The next step to end it is about to be taken; its `rung` says which.
        """
        ...

    def error(self, hang: Hang) -> BaseException:
        """
        The exception to raise in the thread that hangs.
        """
        ...

    def end(self, hang: Hang) -> None:
        """
        Nothing else helped. It should not return.
        """
        ...


class _Phase:
    # What only a phase that lasts has of its own is written when it does: three phases a test begin and end.
    rung = Rung.ARMED
    hang: Hang | None = None
    is_suspect = False
    has_backstop = False
    next_at = 0.0
    rested_at = 0.0

    def __init__(self, what: str, budget_s: float, source: str, now: float) -> None:
        self.what = what
        self.budget_s = budget_s
        self.source = source
        self.started = now
        self.deadline = now + budget_s


class Ladder:
    """
    Watches the phases of the thread that calls `install`.

    `backstop` is the descriptor of a file to which the stacks are written if only the backstop in C can end the process;
    without it there is none.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        dog: Watchdog,
        grace: float = 0.5,
        backstop: int | None = None,
        signals: Sequence[tuple[str, str | None]] = SIGNALS,
    ) -> None:
        self._handler = handler
        self._grace = grace
        self._lock = threading.RLock()
        self._phase: _Phase | None = None
        self._watch = dog.watch(self._patrol)
        self._interrupter = Interrupter(self._wanted, signals=signals)
        self._ident = 0
        # The budget that the interrupter's timer is set for.
        self._timed_s: float | None = None
        self._backstop = backstop
        # Tasks that swallowed their cancellation. Kept, since destroying a pending task would run its code again.
        self.abandoned: list[asyncio.Task[Any]] = []

    @property
    def hang(self) -> Hang | None:
        """
        The hang of the phase that runs now, once its time is over.
        """
        phase = self._phase
        return phase.hang if phase is not None else None

    def install(self) -> None:
        self._ident = threading.get_ident()
        self._interrupter.install()

    def uninstall(self) -> None:
        self.disarm()
        self._timed_s = None
        self._interrupter.uninstall()

    def arm(self, what: str, budget_s: float, *, source: str) -> None:
        """
        A phase begins that may take `budget_s` seconds. A phase before it that was not disarmed is forgotten.
        """
        if self._phase is not None:
            self.disarm()
        if not self._interrupter.is_ready():  # the program took the signal for itself
            self._interrupter.install()
            self._timed_s = None
        now = monotonic()
        phase = _Phase(what, budget_s, source, now)
        if budget_s != self._timed_s:
            self._timed_s = budget_s
            # A part of the budget: on a busy machine processor time runs slower than the clock.
            self._interrupter.arm_timer(min(1.0, max(0.02, budget_s / 10)))
        self._phase = phase
        if budget_s < _SHORT_S:
            self._set_backstop(phase)
        # Three times a test, so nothing is called that has nothing to do.
        watch = self._watch
        watch.at = at = now + _PATROL_S if budget_s > _PATROL_S else phase.deadline
        if watch.queued_at is None or at < watch.queued_at:
            watch.set(at)

    def disarm(self) -> Hang | None:
        """
        The phase has ended. Returns the hang if it was not in time.

        An interruption that is on its way does not arrive any more once this has returned.
        """
        phase = self._phase
        if phase is None:
            return None
        self._phase = None  # from here on `_wanted` answers None
        self._watch.at = None
        if self._interrupter.is_pending:
            self._interrupter.settle()
        with self._lock:
            if phase.has_backstop:
                faulthandler.cancel_dump_traceback_later()
        return phase.hang

    def expire(self, source: str) -> None:
        """
        The time of the running phase is over now, for a reason outside it (the session's own deadline).
        """
        with self._lock:
            phase = self._phase
            if phase is not None and phase.rung is Rung.ARMED:
                phase.deadline = monotonic()
                phase.source = source
                self._watch.set(phase.deadline)

    def _wanted(self) -> BaseException | None:
        # Runs in the thread that hangs, out of the signal's handler. The lock lets a capture end that is under way:
        # once this returns, what holds the interpreter's lock may take it again for ever.
        with self._lock:
            phase = self._phase
            if phase is None:
                return None
            now = monotonic()
            if phase.rung < Rung.INTERRUPTED:
                due = phase.deadline + self._grace / 2 if phase.rung is Rung.ARMED else phase.next_at
                if now < due:
                    return None  # the timer comes again
                # The kernel's timer came before the watchdog could.
                phase.rung = Rung.INTERRUPTED
                phase.next_at = now + self._grace
                self._take(phase, is_deadlock=False)
            # The kernel's timer goes on, and a second error in whoever cleans up after the first would break that.
            if phase.hang is None or now < phase.rested_at:
                return None
            phase.hang = phase.hang.at(Rung.INTERRUPTED)
            error = self._handler.error(phase.hang)
            # From here, since to put the first error into words takes a while.
            phase.rested_at = monotonic() + self._grace / 2
            return error

    def _patrol(self) -> float | None:
        with self._lock:
            phase = self._phase
            if phase is None:
                return None
            now = monotonic()
            if phase.rung is Rung.ARMED:
                if now < phase.deadline and not self._is_deadlocked(phase):
                    if not phase.has_backstop:
                        self._set_backstop(phase)
                    return min(phase.deadline, now + _PATROL_S)
                phase.rung = Rung.CAPTURED
                self._take(phase, is_deadlock=now < phase.deadline)
            return self._climb(phase)

    def _is_deadlocked(self, phase: _Phase) -> bool:
        # Twice in a row, a patrol apart: a thread may have been about to wake the loop and have ended since.
        here = self._running()
        if here is None:
            phase.is_suspect = False
            return False
        loops = late.load(_LOOPS)
        is_stuck = loops.can_be_woken(here) is None and loops.is_waiting(here)
        was_stuck, phase.is_suspect = phase.is_suspect, is_stuck
        return is_stuck and was_stuck

    def _take(self, phase: _Phase, *, is_deadlock: bool) -> None:
        if phase.hang is not None:
            return
        phase.hang = hang = late.load("hermetic.guard.deadlines.hang").Hang(
            what=phase.what,
            budget_s=phase.budget_s,
            source=phase.source,
            elapsed_s=monotonic() - phase.started,
            capture=self._handler.capture(),
            is_deadlock=is_deadlock,
        )
        self._handler.captured(hang)

    def _climb(self, phase: _Phase) -> float | None:
        now = monotonic()
        if self._phase is not phase:
            return None
        if phase.rung is Rung.CAPTURED:
            here = self._running()
            can_cancel = here is not None and here.main is not None
            phase.rung = Rung.CANCELLED if can_cancel else Rung.INTERRUPTED
            phase.next_at = now + self._grace
            self._set_backstop(phase)
            self._note(phase)  # before the loop can react
            if here is not None and here.main is not None:
                with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                    here.loop.call_soon_threadsafe(here.main.cancel, "its deadline has passed")
                return phase.next_at
        elif phase.rung is Rung.CANCELLED and now >= phase.next_at:
            phase.rung = Rung.INTERRUPTED
            phase.next_at = now + self._grace
            self._abandon()
        elif phase.rung is Rung.INTERRUPTED and now >= phase.next_at:
            phase.rung = Rung.ENDED
            self._note(phase)
            assert phase.hang is not None  # noqa: S101 - a phase is captured before it climbs
            self._handler.end(phase.hang)
            return None
        if phase.rung is Rung.INTERRUPTED:
            self._note(phase)
            self._interrupter.interrupt()
            return min(phase.next_at, now + _AGAIN_S)
        return phase.next_at

    def _note(self, phase: _Phase) -> None:
        if phase.hang is not None and phase.hang.rung is not phase.rung:
            phase.hang = phase.hang.at(phase.rung)
            self._handler.stepped(phase.hang)

    def _running(self) -> RunningLoop | None:
        if "asyncio" not in sys.modules:
            return None
        return next((one for one in late.load(_LOOPS).running_loops() if one.ident == self._ident), None)

    def _abandon(self) -> None:
        here = self._running()
        if here is None:
            return
        for task in late.load(_LOOPS).tasks_of(here.loop):
            if task.cancelling() and not task.done() and len(self.abandoned) < _KEPT:
                self.abandoned.append(task)
                cast("Any", sys.modules["asyncio"]).tasks._unregister_task(task)
                task._log_destroy_pending = False  # asyncio's own switch for this

    def _set_backstop(self, phase: _Phase) -> None:
        if self._backstop is None:
            return
        # After the last rung. While the ladder climbs it is set anew, so that only a thread that cannot run is late.
        last = max(phase.deadline, monotonic()) + 2 * self._grace + _BACKSTOP_S
        faulthandler.dump_traceback_later(max(0.001, last - monotonic()), exit=True, file=self._backstop)
        phase.has_backstop = True
