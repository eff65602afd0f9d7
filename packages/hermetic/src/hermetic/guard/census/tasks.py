"""
asyncio tasks: left running, destroyed while pending, failed without anybody asking.

A test's tasks cannot be judged when the test ends: a fixture that stops a service cancels its tasks only then. But a
test runner cancels in silence whatever is left when it closes its loop. So tasks are judged at the first of: their loop's
shutdown by a test runner, their loop's close, the end of their owner. `asyncio.run` in a test's own code cancels what is
left by design, and is believed.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import base_events, runners
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard import late
from hermetic.guard.census import loops
from hermetic.guard.census.attribution import Errand
from hermetic.guard.census.tracker import RUNS_THE_LOOP, Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import all_of, before, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hermetic.guard.census.tracker import Intake, Tracker

_AWAIT = Remedy(
    text="Await it, or cancel it and wait until it has ended:",
    code="task.cancel()\nwith contextlib.suppress(asyncio.CancelledError):\n    await task",
)
_GROUP = Remedy(
    text="Keep a reference and await the task, or start it in a group that does:",
    code="async with asyncio.TaskGroup() as group:\n    group.create_task(work())",
)
# The one task in which anyio's plugin runs all tests and fixtures of a runner.
_RUNS_TESTS = "TestRunner._run_tests_and_fixtures"


class FailedTasks(Basic):
    """
    A task that ended with an exception which nobody has seen.
    """

    kind = "asyncio.exception_never_retrieved"
    noun = "failed task"
    title = "Task exception"
    verb = "never retrieved"
    rank = 15
    remedy = _GROUP

    def install(self, intake: Intake) -> Callable[[], None]:
        del intake  # what Tasks sees is enough
        return lambda: None

    def is_open(self, resource: asyncio.Task[Any]) -> bool:
        return bool(getattr(resource, "_log_traceback", False))

    def subject(self, resource: asyncio.Task[Any], note: str) -> str:
        del note
        # The attribute, not the method: asking would mark it as seen.
        return f"{describe(resource)}: {safe_repr(getattr(resource, '_exception', None))}"

    def mend(self, resource: asyncio.Task[Any]) -> str:
        resource.exception()
        return "marked as seen"


class Tasks(Basic):
    kind = "asyncio.task"
    noun = "task"
    title = "Task"
    verb = "left running"
    rank = 80
    remedy = _AWAIT

    def __init__(self) -> None:
        self._failed = FailedTasks()
        # What a loop is told to run until it has ended: such a task can be left only where the run ends before it.
        self._at_once: set[object] = set()

    def install(self, intake: Intake) -> Callable[[], None]:
        undoes = [
            replace(base_events.BaseEventLoop, "create_task", lambda original: self._creating(intake, original)),
            replace(base_events.BaseEventLoop, "run_until_complete", partial(self._running, intake)),
            replace(runners.Runner, "run", self._running_all),
            before(base_events.BaseEventLoop, "close", partial(self._closing, intake)),
            before(base_events.BaseEventLoop, "call_exception_handler", partial(self._said, intake)),
        ]
        if hasattr(runners, "_cancel_all_tasks"):
            undoes.append(before(runners, "_cancel_all_tasks", partial(self._shutting_down, intake)))
        return all_of(undoes)

    def _creating(self, intake: Intake, original: Callable[..., Any]) -> Callable[..., Any]:
        attribution = intake.attribution

        def create_task(self_: Any, coro: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            is_runner = _is_test_runner(coro)
            errand = None if is_runner else Errand(attribution.current())
            token = attribution.carry(named.get("context"), errand)
            try:
                task = original(self_, coro, **named)
            finally:
                attribution.put_down(token)
            if errand is None or self._is_at_once(coro):
                return task
            try:
                entry = intake.opened(self, task, note="" if self_.is_running() else RUNS_THE_LOOP)
                errand.site = entry.site
            except TypeError:  # a task factory may make tasks without weak references
                pass
            return task

        return create_task

    def _running(self, intake: Intake, original: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def run_until_complete(self_: Any, future: Any) -> Any:
            __tracebackhide__ = True
            self._expect(future)
            try:
                return original(self_, future)
            except BaseException:
                with contextlib.suppress(Exception):
                    self._enter_unknown(intake, self_)
                raise
            finally:
                self._forget(future)

        return run_until_complete

    def _running_all(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def run(self_: Any, coro: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            self._expect(coro)
            try:
                return original(self_, coro, **named)
            finally:
                self._forget(coro)

        return run

    def _expect(self, coro: object) -> None:
        if _has_hash(coro):
            self._at_once.add(coro)

    def _forget(self, coro: object) -> None:
        if _has_hash(coro):
            self._at_once.discard(coro)

    def _is_at_once(self, coro: object) -> bool:
        if not _has_hash(coro) or coro not in self._at_once:
            return False
        self._at_once.discard(coro)
        return True

    def _enter_unknown(self, intake: Intake, loop: asyncio.AbstractEventLoop) -> None:
        for task in self._left(loop):
            if not _is_test_runner(task.get_coro()) and intake.find(task, self.kind) is None:
                intake.opened(self, task, skip=3, note=RUNS_THE_LOOP)

    def refine(self, resource: asyncio.Task[Any]) -> Tracker:
        return self._failed if resource.done() else self

    def is_open(self, resource: asyncio.Task[Any]) -> bool:
        return not resource.done() or self._failed.is_open(resource)

    def settle(self, resources: Iterable[asyncio.Task[Any]]) -> None:
        for loop in {task.get_loop() for task in resources if not task.done()}:
            if loops.can_run(loop):
                loops.spin(loop)

    def subject(self, resource: asyncio.Task[Any], note: str) -> str:
        del note
        return describe(resource)

    def evidence(self, resource: asyncio.Task[Any]) -> list[str]:
        where = waiting_at(resource)
        return [f"it waits at {where}"] if where else []

    def mend(self, resource: asyncio.Task[Any]) -> str:
        loop = resource.get_loop()
        if loop.is_closed():
            return "nothing left to do, its loop is closed"
        resource.cancel()
        if loops.can_run(loop):
            done, _ = loop.run_until_complete(asyncio.wait({resource}, timeout=loops.PATIENCE))
            if not done:
                raise TimeoutError(f"it was cancelled and did not end within {loops.PATIENCE} s")
        return "cancelled"

    def _shutting_down(self, intake: Intake, loop: asyncio.AbstractEventLoop) -> None:
        if self._left(loop) and loops.is_closed_by_test_runner():
            loops.spin(loop)
            self._condemn(intake, loop, "its loop was shut down by the test runner, which cancelled it")

    def _closing(self, intake: Intake, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_running() and not loop.is_closed() and self._left(loop):
            self._condemn(intake, loop, "its loop was closed while it waited, so it can never end")

    def _left(self, loop: asyncio.AbstractEventLoop) -> list[asyncio.Task[Any]]:
        return [task for task in asyncio.all_tasks(loop) if not task.done() and not _was_cancelled(task)]

    def _condemn(self, intake: Intake, loop: asyncio.AbstractEventLoop, why: str) -> None:
        left = set(self._left(loop))
        for entry in intake.entries(self.kind):
            task = entry()
            if task in left:
                intake.over(entry, evidence=why)

    def _said(self, intake: Intake, _: object, said: dict[str, Any]) -> None:
        message = str(said.get("message", ""))
        about: Any = said.get("task") or said.get("future")
        if about is None or not message.startswith(
            ("Task was destroyed", "Future exception", "Task exception", "_Gather")
        ):
            return
        entry = intake.find(about, self.kind)
        destroyed = message.startswith("Task was destroyed")
        intake.happened(
            late.load("hermetic.guard.census.cases").Case(
                kind="asyncio.task_destroyed" if destroyed else self._failed.kind,
                title="Task destroyed while it was pending"
                if destroyed
                else f"{message.split(maxsplit=1)[0]} exception never retrieved",
                subject=describe(about) if entry is not None else safe_repr(about),
                remedy=_GROUP,
                tenure=entry.tenure if entry is not None else intake.attribution.current(),
                site=entry.site if entry is not None else None,
                evidence=[] if destroyed else [safe_repr(said.get("exception"))],
            )
        )
        if entry is not None:
            intake.forget(entry)


def _has_hash(coro: object) -> bool:
    # What else can be awaited may be anything.
    return type(coro) is CoroutineType


def _is_test_runner(coro: object) -> bool:
    return getattr(coro, "__qualname__", "") == _RUNS_TESTS


def _was_cancelled(task: asyncio.Task[Any]) -> bool:
    # Asked to end, and only waiting for its turn: the shutdown gives it that.
    return task.cancelling() > 0


def describe(task: asyncio.Task[Any]) -> str:
    """
    The task's name and the coroutine it runs.
    """
    coroutine: Any = task.get_coro()
    name = getattr(coroutine, "__qualname__", None) or safe_repr(coroutine)
    return f"{task.get_name()} running {name}()"


def waiting_at(task: asyncio.Task[Any]) -> str:
    """
    `file:line in function` of the innermost coroutine that the task waits in, empty when there is none.
    """
    inner: Any = task.get_coro()
    for _ in range(100):
        nested = getattr(inner, "cr_await", None)
        if nested is None or not hasattr(nested, "cr_frame"):
            break
        inner = nested
    frame = getattr(inner, "cr_frame", None)
    if frame is None:
        return ""
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
