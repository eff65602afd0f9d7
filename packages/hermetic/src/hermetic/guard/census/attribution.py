"""
Whose code is running, when something is made.

With the owner goes the line from which the work was sent: the stack of a task, a thread or a pool's job begins with its
runner, so that what a library opens there would be nobody's line.

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
    from hermetic.guard.census.site import RawSite
    from hermetic.guard.ownership import Roll, Tenure


class Errand:
    """
    Work that somebody sent elsewhere: into a task, a thread, a pool. `site` is where from, None while that is not known.
    """

    __slots__ = ("site", "tenure")

    def __init__(self, tenure: Tenure, site: RawSite | None = None) -> None:
        self.tenure = tenure
        self.site = site


class Attribution:
    """
    Knows the owner of whatever runs in this thread and task.
    """

    def __init__(self, roll: Roll) -> None:
        self._roll = roll
        self._carried: ContextVar[Errand | None] = ContextVar("hermetic_owner", default=None)
        self._threads: weakref.WeakKeyDictionary[threading.Thread, Errand] = weakref.WeakKeyDictionary()
        self._main = threading.main_thread().ident

    def current(self) -> Tenure:
        is_main = threading.get_ident() == self._main
        if is_main and not _is_in_loop():
            return self._roll.current
        carried = self._carried.get()
        if carried is None and not is_main:
            carried = self._of_thread()
        return self._roll.current if carried is None or carried.tenure.is_over else carried.tenure

    def may_be_sent(self) -> bool:
        """
        Whether there may be anything that `sent_from` returns: not for what a test itself does, outside all tasks.
        """
        return threading.get_ident() != self._main or self._carried.get() is not None

    def sent_from(self) -> tuple[RawSite, ...]:
        """
        The stacks from which the work was sent that is done now, the likeliest first; none for a test's own stack.
        """
        if threading.get_ident() == self._main or _is_in_loop():
            found: tuple[Errand | None, ...] = (self._carried.get(),)
        else:
            # What a thread carries besides is where the task was made that sent it: a step further.
            found = (self._of_thread(), self._carried.get())
        now = self.current()
        return tuple(one.site for one in found if one is not None and one.site is not None and one.tenure is now)

    def _of_thread(self) -> Errand | None:
        # Not current_thread(): it would register a foreign thread for good.
        active: Any = vars(threading)["_active"]
        thread: threading.Thread | None = active.get(threading.get_ident())
        return self._threads.get(thread) if thread is not None else None

    def carry(self, context: Context | None, errand: Errand | None) -> Token[Errand | None] | None:
        """
        Whatever is started now, with `context` (None: with a copy of this one), is this errand; None means whoever is on
        at the time. `put_down` ends it for this context; one that was passed keeps it.
        """
        if context is not None:
            try:
                context.run(self._carried.set, errand)
            except RuntimeError:  # it is the one that runs now
                pass
            else:
                return None
        return self._carried.set(errand)

    def put_down(self, token: Token[Errand | None] | None) -> None:
        if token is not None:
            self._carried.reset(token)

    def of_context(self, context: Context) -> Tenure | None:
        errand = context.get(self._carried)
        return errand.tenure if errand is not None else None

    def thread_does(self, thread: threading.Thread, errand: Errand) -> None:
        self._threads[thread] = errand


def _is_in_loop() -> bool:
    # Without importing asyncio for those who do not use it.
    events: Any = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None  # noqa: SLF001 - the public call raises when there is none
