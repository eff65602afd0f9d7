"""
Signal handlers, the wake-up descriptor and a pending alarm.
"""

from __future__ import annotations

import operator
import signal
import sys
from typing import TYPE_CHECKING, Any, Final, cast

from hermetic.guard.isolation.change import Change, is_same
from hermetic.guard.isolation.own import belongs_to_runner
from hermetic.guard.isolation.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable

# The C function itself: `signal.getsignal` makes an enumeration member of each answer, at ten times the cost.
_handler_of = cast("Any", sys.modules["_signal"]).getsignal


_NAMES: Final = {int(number): number.name for number in signal.Signals}


class SignalHandlers(State[list[object]]):
    """
    What each signal does.
    """

    kind = "signals"
    what = "signal handler"
    remedy = "old = signal.signal(number, handler), and signal.signal(number, old) in a finally"
    calls = ("signal", "add_signal_handler", "siginterrupt", "sigaction")

    def __init__(self) -> None:
        self._numbers = sorted(int(number) for number in signal.valid_signals())

    def read(self) -> list[object]:
        return list(map(_handler_of, self._numbers))

    def is_alike(self, before: list[object], after: list[object]) -> bool:
        return all(map(operator.is_, before, after)) or is_same(before, after)

    def changes(self, before: list[object], after: list[object]) -> Iterable[Change]:
        for number, was, became in zip(self._numbers, before, after, strict=True):
            # A runner's own handler is taken out by the runner: pytest-timeout's when a test fails.
            is_runners = belongs_to_runner(became) or (belongs_to_runner(was) and isinstance(became, int))
            if not is_same(was, became) and not is_runners:
                yield Change(
                    key=number,
                    name=_NAMES.get(number, f"signal {number}"),
                    before=_named(was),
                    after=_named(became),
                    target=was,
                )

    def restore(self, change: Change) -> None:
        if change.target is None:
            raise RuntimeError("the handler before was not installed from Python, so it cannot be put back")
        signal.signal(cast("int", change.key), cast("Any", change.target))


def _named(handler: object) -> object:
    if isinstance(handler, int):
        return signal.Handlers(handler).name
    return handler


class WakeupDescriptor(State[int]):
    """
    The descriptor that signals are written to. Reading it takes it out for a moment, so it is put back at once.
    """

    kind = "wakeup-fd"
    what = "wake-up descriptor"
    remedy = "old = signal.set_wakeup_fd(fd), and signal.set_wakeup_fd(old) in a finally"
    calls = ("set_wakeup_fd", "add_signal_handler")

    def read(self) -> int:
        descriptor = signal.set_wakeup_fd(-1)
        if descriptor != -1:
            signal.set_wakeup_fd(descriptor)
        return descriptor

    def changes(self, before: int, after: int) -> Iterable[Change]:
        if before != after:
            yield Change(key="fd", name="signal.set_wakeup_fd", before=before, after=after)

    def restore(self, change: Change) -> None:
        signal.set_wakeup_fd(cast("int", change.before))


class Alarms(State[tuple[bool, ...]]):
    """
    Interval timers left running: their signal would hit a later test. Those that ran before are somebody else's.
    """

    kind = "alarm"
    what = "alarm"
    remedy = "signal.alarm(0) or signal.setitimer(which, 0) in a finally"
    calls = ("alarm", "setitimer")
    # Not ITIMER_VIRTUAL: that one is the deadlines', see `hermetic.guard.deadlines.interrupt`.
    _timers = (signal.ITIMER_REAL, signal.ITIMER_PROF)

    def read(self) -> tuple[bool, ...]:
        real, profiling = self._timers
        return signal.getitimer(real)[0] > 0, signal.getitimer(profiling)[0] > 0

    def changes(self, before: tuple[bool, ...], after: tuple[bool, ...]) -> Iterable[Change]:
        names = ("ITIMER_REAL", "ITIMER_PROF")
        for timer, name, was, became in zip(self._timers, names, before, after, strict=True):
            if became and not was:
                yield Change(key=int(timer), name=f"signal.{name}", before="not running", after="running")

    def restore(self, change: Change) -> None:
        signal.setitimer(cast("int", change.key), 0)
