"""
Locks of `threading` that are still held, for whoever asks for them.

A lock is made by a function of the interpreter, which has to be replaced to be watched: code that asks whether something
is an instance of `threading.Lock`, a class from Python 3.13 on, would then fail. That is why this is switched on by
`hermetic_threading_locks = true` only. Locks that were made before, and those of libraries, are not seen.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import after_result, all_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake


class ThreadLocks(Basic):
    kind = "threading.lock"
    noun = "lock"
    title = "Lock"
    verb = "still held"
    rank = 11
    remedy = Remedy(text="Hold it with a with, which releases it whatever happens:", code="with lock:\n    …")

    def install(self, intake: Intake) -> Callable[[], None]:
        def made(name: str, lock: Any) -> None:
            del name
            # Above: the wrapper's `called`, then whoever wants a lock. Queues and conditions of the standard library
            # hold theirs for a moment only.
            if intake.is_users(sys._getframe(2).f_code.co_filename):  # noqa: SLF001 - one look at the caller
                intake.opened(self, lock, skip=3)

        return all_of([after_result(threading, name, made) for name in ("Lock", "RLock")])

    def is_open(self, resource: Any) -> bool:
        if hasattr(resource, "locked"):
            return bool(resource.locked())
        # Before 3.14 only its repr tells of a re-entrant one: `<locked _thread.RLock object owner=… count=1 at …>`.
        return repr(resource).startswith("<locked ")

    def subject(self, resource: Any, note: str) -> str:
        del note
        return safe_repr(resource)

    def mend(self, resource: Any) -> str:
        # A re-entrant one lets only the thread release it that holds it, which raises here, and is told.
        while self.is_open(resource):
            resource.release()
        return "released"
