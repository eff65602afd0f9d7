"""
asyncio locks that are still held, and calls that are still scheduled.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import base_events, locks, runners
from functools import partial
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard import late
from hermetic.guard.census import loops
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import all_of, at_creation, before

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake


class AsyncioLocks(Basic):
    kind = "asyncio.lock"
    noun = "asyncio lock"
    title = "asyncio lock"
    verb = "still held"
    rank = 12
    remedy = Remedy(text="Hold it with a with, which releases it whatever happens:", code="async with lock:\n    …")

    def install(self, intake: Intake) -> Callable[[], None]:
        return at_creation(locks.Lock, self, intake)

    def is_open(self, resource: asyncio.Lock) -> bool:
        return resource.locked()

    def subject(self, resource: asyncio.Lock, note: str) -> str:
        del note
        return safe_repr(resource)

    def mend(self, resource: asyncio.Lock) -> str:
        resource.release()
        return "released"


class ScheduledCalls(Basic):
    """
    `call_later` and `call_at` of the project's own functions that have not come due when their loop ends, or when their
    owner ends on a loop that goes on. Timers of libraries belong to what made them.
    """

    kind = "asyncio.timer"
    noun = "scheduled call"
    title = "Scheduled call"
    verb = "never cancelled"
    rank = 4
    remedy = Remedy(
        text="Keep the handle and cancel it:", code="handle = loop.call_later(delay, callback)\n…\nhandle.cancel()"
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        undoes = [before(base_events.BaseEventLoop, "close", partial(self._ending, intake))]
        if hasattr(runners, "_cancel_all_tasks"):
            undoes.append(before(runners, "_cancel_all_tasks", partial(self._ending, intake)))
        return all_of(undoes)

    def inspect(self, intake: Intake) -> None:
        for entry in intake.entries(loops.EventLoops.kind):
            loop = entry()
            if loop is not None and not loop.is_closed() and not loop.is_running():
                self._look(intake, loop, is_ending=False)

    def _ending(self, intake: Intake, loop: Any) -> None:
        # The look at the stack comes last: few loops end with anything scheduled.
        if getattr(loop, "_scheduled", None) and loops.is_closed_by_test_runner():
            self._look(intake, loop, is_ending=True)

    def _look(self, intake: Intake, loop: Any, *, is_ending: bool) -> None:
        scheduled: list[Any] = getattr(loop, "_scheduled", None) or []
        for handle in list(scheduled):
            function = _function(handle)
            code = getattr(function, "__code__", None)
            if handle.cancelled() or code is None or not intake.is_users(code.co_filename):
                continue
            tenure = intake.attribution.of_context(handle._context) or intake.attribution.current()  # noqa: SLF001 - handles have no public context
            if not is_ending and not tenure.is_over:
                continue
            due = handle.when() - loop.time()
            intake.happened(
                late.load("hermetic.guard.census.cases").Case(
                    kind=self.kind,
                    title=f"{self.title} {self.verb}",
                    subject=f"{function.__qualname__}() in {max(0.0, due):.3g} s",
                    remedy=self.remedy,
                    tenure=tenure,
                    site=None,
                    origin=((code.co_filename, code.co_firstlineno, code.co_qualname),),
                    evidence=["the line shown is where the function is defined"],
                )
            )
            handle.cancel()

    def is_open(self, resource: Any) -> bool:
        return not resource.cancelled() and resource.when() > time.monotonic()

    def subject(self, resource: Any, note: str) -> str:
        del note
        return safe_repr(resource)

    def mend(self, resource: Any) -> str:
        resource.cancel()
        return "cancelled"


def _function(handle: Any) -> Any:
    function = handle._callback  # noqa: SLF001 - handles tell only a repr
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__func__", function)
