"""
A clock that tells another time, ticks over at a chosen moment, steps back, or runs slowly.

Only the code under test is to see it: the functions of `time` and the classes of `datetime` are replaced where they are looked
up, and in the project's modules that imported them by name. Objects that are made are ordinary `datetime` objects.
"""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Any, Self

from hermetic.guard.strain.dates import classes
from hermetic.guard.strain.patches import Patches

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.strain.patches import Project

_WALL, _MONOTONIC, _PERFORMANCE = time.time, time.monotonic, time.perf_counter


class StrainedClock:
    """
    A wall clock with an offset, and monotonic clocks that may run slowly. A context manager.

    Args:
        project: the one whose modules are to see it.
        at: the wall clock's time when it is entered, in seconds since the epoch; the real one if None.
        fraction: the part of a second that the wall clock shows when it is anchored, 0 to 1; its own if None.
        step: after so many seconds the wall clock jumps by so many; no jump if None.
        slow: all clocks run so many times slower than real time, from 1 on.
    """

    def __init__(
        self,
        *,
        project: Project,
        at: float | None = None,
        fraction: float | None = None,
        step: tuple[float, float] | None = None,
        slow: float = 1.0,
    ) -> None:
        self._project = project
        self._at = at
        self._fraction = fraction
        self._step = step
        self._slow = slow
        self._patches = Patches()
        self.wall_reads = 0
        self.other_reads = 0
        self._shown = self._real = 0.0
        self._began = (0.0, 0.0)

    def __enter__(self) -> Self:
        self._began = (_MONOTONIC(), _PERFORMANCE())
        self._real = _PERFORMANCE()
        self._shown = _WALL() if self._at is None else self._at
        replaced = {**self._functions(), **classes(self.wall)}
        by_id: dict[int, tuple[Any, Any]] = {}
        for (owner, name), made in replaced.items():
            original: Any = owner.__dict__[name]
            by_id[id(original)] = (original, made)
            self._patches.replace(owner, name, _always(made))
        self._patches.rebind(by_id, self._project)
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.undo()

    def anchor(self) -> None:
        """
        Let the fraction of a second, and the time until the step, begin now.
        """
        if self._fraction is not None:
            self._shown = math.floor(self._now()) + self._fraction
            self._real = _PERFORMANCE()
        elif self._step is not None:
            self._shown, self._real = self._now(), _PERFORMANCE()

    def _now(self) -> float:
        passed = (_PERFORMANCE() - self._real) / self._slow
        stepped = self._step[1] if self._step is not None and passed >= self._step[0] else 0.0
        return self._shown + passed + stepped

    def wall(self) -> float:
        self.wall_reads += _is_of_test()
        return self._now()

    def _functions(self) -> dict[tuple[Any, str], Callable[..., Any]]:
        # The real functions, which are no longer to be found under their names while this is entered.
        localtime, gmtime, strftime, ctime, asctime = (
            time.localtime,
            time.gmtime,
            time.strftime,
            time.ctime,
            time.asctime,
        )

        def slowed(real: Callable[[], float], began: float) -> Callable[[], float]:
            def read() -> float:
                self.other_reads += _is_of_test()
                return began + (real() - began) / self._slow

            return read

        monotonic, performance = slowed(_MONOTONIC, self._began[0]), slowed(_PERFORMANCE, self._began[1])

        def given(seconds: float | None) -> float:
            return self.wall() if seconds is None else seconds

        def local_now(seconds: float | None = None) -> time.struct_time:
            return localtime(given(seconds))

        def utc_now(seconds: float | None = None) -> time.struct_time:
            return gmtime(given(seconds))

        def text_now(seconds: float | None = None) -> str:
            return ctime(given(seconds))

        def text_of(parts: time.struct_time | None = None) -> str:
            return asctime(local_now() if parts is None else parts)

        def formatted(form: str, parts: time.struct_time | None = None) -> str:
            return strftime(form, local_now() if parts is None else parts)

        return {
            (time, "time"): self.wall,
            (time, "time_ns"): lambda: int(self.wall() * 1e9),
            (time, "monotonic"): monotonic,
            (time, "monotonic_ns"): lambda: int(monotonic() * 1e9),
            (time, "perf_counter"): performance,
            (time, "perf_counter_ns"): lambda: int(performance() * 1e9),
            (time, "localtime"): local_now,
            (time, "gmtime"): utc_now,
            (time, "ctime"): text_now,
            (time, "asctime"): text_of,
            (time, "strftime"): formatted,
        }


def _always(made: Any) -> Callable[[Any], Any]:
    return lambda _: made


def _is_of_test() -> bool:
    # The test runner and this plugin read clocks as well, which says nothing about the test.
    caller = sys._getframe(2).f_globals.get("__name__", "")  # noqa: SLF001 - the documented way to one's caller
    return not caller.startswith(("_pytest.", "pluggy.", "hermetic._pytest"))
