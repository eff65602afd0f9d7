"""
Threads and timers.

Some libraries keep a thread for the life of the
process on purpose; they are known by the name of the module that their code belongs to.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census.attribution import Errand
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.guard.census.tracker import Intake, Tracker

# It cannot be ended, but may be about to end.
_MENDING_S = 0.05
# anyio's, which goes from job to job.
_WORKER = "WorkerThread"
_KEPT_ON_PURPOSE = (
    "pycares",
    "multiprocessing.resource_tracker",
    "pytest_timeout",
    "execnet",
    # Trio keeps its workers for a while to use them again.
    "trio._core._thread_cache",
    "xdist",
    "coverage",
    # Waits for one child on behalf of a subprocess transport, which answers for it.
    "asyncio.unix_events",
    "hermetic",
    "_pytest",
)


class Timers(Basic):
    """
    A thread that only waits.
    """

    kind = "threading.timer"
    noun = "timer"
    title = "Timer"
    verb = "left running"
    rank = 46
    remedy = Remedy(text="Cancel it:", code="timer.cancel()\ntimer.join()")

    def install(self, intake: Intake) -> Callable[[], None]:
        del intake  # Threads sees its start
        return lambda: None

    def is_open(self, resource: threading.Timer) -> bool:
        return resource.is_alive()

    def subject(self, resource: threading.Timer, note: str) -> str:
        del note
        return f"{resource.name}, {resource.interval:g} s, then {safe_repr(resource.function)}"

    def mend(self, resource: threading.Timer) -> str:
        resource.cancel()
        resource.join(1.0)
        return "cancelled"


class Threads(Basic):
    kind = "thread"
    noun = "thread"
    title = "Thread"
    verb = "left running"
    rank = 45
    remedy = Remedy(text="Tell it to end, and wait until it has:", code="stop.set()\nthread.join()")

    def __init__(self) -> None:
        self._timers = Timers()

    def install(self, intake: Intake) -> Callable[[], None]:
        def starting(thread: threading.Thread) -> None:
            errand = Errand(intake.attribution.current())
            intake.attribution.thread_does(thread, errand)
            if not _is_kept_on_purpose(thread):
                where = intake.opened(self, thread, skip=3).site
                # A worker does jobs from many places, each of which comes with its own.
                errand.site = None if type(thread).__name__ == _WORKER else where

        return before(threading.Thread, "start", starting)

    def refine(self, resource: threading.Thread) -> Tracker:
        return self._timers if isinstance(resource, threading.Timer) else self

    def is_open(self, resource: threading.Thread) -> bool:
        return threading.Thread.is_alive(resource)

    def settle(self, resources: Sequence[threading.Thread]) -> None:
        from hermetic.guard.census import patience, proc  # noqa: PLC0415 - only where threads are left

        def left() -> list[threading.Thread]:
            return [thread for thread in resources if thread.is_alive()]

        def run() -> bool:
            return any(proc.is_running(thread.native_id or 0) for thread in left())

        def wait(seconds: float) -> None:
            for thread in left()[:1]:
                thread.join(seconds)

        patience.outlasts(lambda: bool(left()), is_worked_on=run, pause=wait)

    def subject(self, resource: threading.Thread, note: str) -> str:
        del note
        target = getattr(resource, "_target", None)
        name = getattr(target, "__qualname__", type(resource).__qualname__)
        return f"{resource.name} running {name}()"

    def evidence(self, resource: threading.Thread) -> list[str]:
        from hermetic.foundation.frames import stack_of  # noqa: PLC0415 - only here

        lines = ["it is a daemon"] if resource.daemon else ["it keeps the interpreter from ending"]
        if frames := stack_of(resource.ident or 0):
            code, line = frames[0].f_code, frames[0].f_lineno
            lines.append(f"it stands at {code.co_filename}:{line} in {code.co_qualname}")
        return lines

    def mend(self, resource: threading.Thread) -> str:
        resource.join(_MENDING_S)
        if resource.is_alive():
            raise RuntimeError("a thread cannot be ended from outside; it goes on")
        return "waited for"


def _is_kept_on_purpose(thread: threading.Thread) -> bool:
    target: object = getattr(thread, "_target", None)
    modules = (getattr(target, "__module__", None), type(thread).__module__)
    return any(str(module).startswith(_KEPT_ON_PURPOSE) for module in modules if module)
