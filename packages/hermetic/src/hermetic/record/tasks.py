"""
When asyncio tasks began and ended, and those that failed while nobody waited for them: the lane of tasks in a report.

Only a run that keeps a journal is watched so. A loop whose order of callbacks is decided by a seed is left alone, since one
callback more would change what the seed means.
"""

from __future__ import annotations

import contextlib
from asyncio import base_events
from collections import deque
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from hermetic.guard.capture import Project
from hermetic.guard.census.wrapping import replace
from hermetic.record.events import TaskEnded, TaskFailed
from hermetic.record.taking import failure_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from hermetic.foundation import Sink

# A server that makes a task for each request is not worth a line for each; what it did stands in the lane of requests.
_MOST_A_SECOND: Final = 200


class TaskTimes:
    """
    Tells `sink` of the tasks that loops of asyncio's own kind run, from `install` to the call of what it returns.

    Files below the directory `root` are named relative to it. At most 200 tasks of one second are told; failed ones always are.
    """

    def __init__(self, sink: Sink, *, root: str = "") -> None:
        self._sink = sink
        self._root = root
        self._project = Project()
        self._second = 0.0
        self._told = 0

    def install(self) -> Callable[[], None]:
        return replace(base_events.BaseEventLoop, "create_task", self._creating)

    def _creating(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def create_task(self_: Any, coro: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            task = original(self_, coro, **named)
            if type(getattr(self_, "_ready", None)) is deque:
                with contextlib.suppress(Exception):  # a task factory may make anything
                    task.add_done_callback(partial(self._done, monotonic()))
            return task

        return create_task

    def _done(self, began: float, task: asyncio.Task[Any]) -> None:
        now = monotonic()
        # The attribute, not the method: asking would mark the failure as seen.
        error: BaseException | None = getattr(task, "_exception", None)
        outcome = "cancelled" if task.cancelled() else "succeeded" if error is None else "failed"
        coroutine: Any = task.get_coro()
        code = getattr(coroutine, "cr_code", None)
        # What libraries and the event loop itself run in tasks is theirs.
        if code is not None and self._project.owns(code.co_filename) and self._may_tell(now):
            self._sink.emit(
                TaskEnded(
                    at_s=now,
                    task=task.get_name(),
                    coroutine=code.co_qualname,
                    outcome=outcome,
                    duration_s=round(now - began, 6),
                )
            )
        if error is not None and not isinstance(error, KeyboardInterrupt | SystemExit):
            # Whoever awaits it is called after this, and before what is put off from here.
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                task.get_loop().call_soon(self._look_again, task, error)

    def _may_tell(self, now: float) -> bool:
        if now - self._second >= 1.0:
            self._second, self._told = now, 0
        self._told += 1
        return self._told <= _MOST_A_SECOND

    def _look_again(self, task: asyncio.Task[Any], error: BaseException) -> None:
        if getattr(task, "_log_traceback", False):
            failure = failure_of(error, project=self._project, root=self._root)
            self._sink.emit(TaskFailed(at_s=monotonic(), task=task.get_name(), failure=failure))
