"""
Whose code is running, when something is made.

Outside asyncio the answer is on the roll: the test or fixture whose code runs now. Inside a loop it is not, since a
module fixture's background task may open a socket while a test runs. Tasks therefore carry their owner in a context
variable, which asyncio hands on to the tasks, callbacks and `to_thread` calls that they start. Threads carry the owner
that started them.

A task that runs the tests themselves (anyio's plugin has one a runner) carries nobody: it follows the roll.
"""

from __future__ import annotations

import sys
import threading
import weakref
from contextvars import Context, ContextVar, Token
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hermetic.guard.ownership import Roll, Tenure


class Attribution:
    """
    Knows the owner of whatever runs in this thread and task.
    """

    def __init__(self, roll: Roll) -> None:
        self._roll = roll
        self._carried: ContextVar[Tenure | None] = ContextVar("hermetic_owner", default=None)
        self._threads: weakref.WeakKeyDictionary[threading.Thread, Tenure] = weakref.WeakKeyDictionary()
        self._main = threading.main_thread().ident

    def current(self) -> Tenure:
        is_main = threading.get_ident() == self._main
        if is_main and not _is_in_loop():
            return self._roll.current
        carried = self._carried.get()
        if carried is None and not is_main:
            # Not current_thread(): it would register a foreign thread for good.
            active: Any = vars(threading)["_active"]
            thread: threading.Thread | None = active.get(threading.get_ident())
            carried = self._threads.get(thread) if thread is not None else None
        return self._roll.current if carried is None or carried.is_over else carried

    def carry(self, context: Context | None, tenure: Tenure | None) -> Token[Tenure | None] | None:
        """
        Whatever is started now, with `context` (None: with a copy of this one), belongs to `tenure`; None means whoever
        is on at the time. `put_down` ends it for this context; one that was passed keeps it.
        """
        if context is not None:
            try:
                context.run(self._carried.set, tenure)
            except RuntimeError:  # it is the one that runs now
                pass
            else:
                return None
        return self._carried.set(tenure)

    def put_down(self, token: Token[Tenure | None] | None) -> None:
        if token is not None:
            self._carried.reset(token)

    def of_context(self, context: Context) -> Tenure | None:
        return context.get(self._carried)

    def thread_belongs(self, thread: threading.Thread, tenure: Tenure) -> None:
        self._threads[thread] = tenure


def _is_in_loop() -> bool:
    # Without importing asyncio for those who do not use it.
    events: Any = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None  # noqa: SLF001 - the public call raises when there is none
