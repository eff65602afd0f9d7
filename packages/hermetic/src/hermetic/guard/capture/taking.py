"""
Takes a capture: tasks as trees, threads, deadlocks, the loop's lag, and what the context providers tell.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

from hermetic.guard.capture.chain import chain_of
from hermetic.guard.capture.cycles import cycles
from hermetic.guard.capture.holders import holds
from hermetic.guard.capture.lines import Project, line_of
from hermetic.guard.capture.loops import RunningLoop, measure_lag, running_loops, tasks_of
from hermetic.guard.capture.model import Capture, Line, TaskState, ThreadState, Wait
from hermetic.guard.capture.threads import thread_name, thread_states
from hermetic.guard.capture.waits import children_of, lock_of, wait_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    # Answers with a title and lines: open resources, recent events, requests in flight.
    ContextProvider: TypeAlias = Callable[[], tuple[str, Sequence[str]]]


class _Reader:
    # One capture's view of all tasks: each chain is followed once, and each task is drawn in full once.

    def __init__(self, tasks: Iterable[asyncio.Task[Any]], *, project: Project, with_variables: bool) -> None:
        self._project = project
        self._with_variables = with_variables
        self.chains = {task: chain_of(task.get_coro()) for task in tasks}
        self._drawn: set[asyncio.Task[Any]] = set()
        self.is_child: set[asyncio.Task[Any]] = set()
        for chain in self.chains.values():
            self.is_child.update(children_of(chain.frames, chain.awaited))

    def state(self, task: asyncio.Task[Any], *, loop: str, main: object) -> TaskState:
        chain = self.chains.get(task) or chain_of(task.get_coro())
        is_seen = task in self._drawn
        self._drawn.add(task)
        waited = [] if is_seen else children_of(chain.frames, chain.awaited)
        return TaskState(
            name=task.get_name(),
            lines=tuple(line_of(frame, self._project, with_variables=self._with_variables) for frame in chain.frames),
            wait=self._wait(task),
            children=tuple(self.state(child, loop=loop, main=main) for child in waited),
            loop=loop,
            is_main=task is main,
            is_seen_above=is_seen,
        )

    def _wait(self, task: asyncio.Task[Any]) -> Wait | None:
        chain = self.chains.get(task) or chain_of(task.get_coro())
        wait = wait_of(chain.frames, chain.awaited)
        if wait is None:
            return None
        lock = lock_of(chain.frames)
        holders = wait.holders if lock is None else self._holders(lock)
        return Wait(kind=wait.kind, text=wait.text, left_s=wait.left_s, holders=holders)

    def _holders(self, lock: object) -> tuple[str, ...]:
        # The waiter may be among them: a task can wait for a lock that it holds itself.
        return tuple(
            task.get_name() for task, chain in self.chains.items() if any(holds(frame, lock) for frame in chain.frames)
        )

    def waits(self) -> Mapping[str, list[str]]:
        graph: dict[str, list[str]] = {}
        for task, chain in self.chains.items():
            wait = self._wait(task)
            targets = [child.get_name() for child in children_of(chain.frames, chain.awaited)]
            graph[task.get_name()] = [*targets, *(wait.holders if wait is not None else ())]
        return graph


def take(
    *,
    project: Project | None = None,
    providers: Iterable[ContextProvider] = (),
    with_variables: bool = False,
    with_threads: bool = True,
    focus: int | None = None,
) -> Capture:
    """
    What this process waits for at this moment.

    It may be called from any thread; the loops it looks at may be blocked, stopped or running, and nothing of the
    program's own code is called but `__repr__` of what is waited for. `focus` is the ident of the thread that matters
    (the main thread when it is None). Providers that raise are told as such.
    """
    project = project or Project()
    focus = threading.main_thread().ident if focus is None else focus
    loops = running_loops()
    reader = _Reader(
        [task for one in loops for task in tasks_of(one.loop)], project=project, with_variables=with_variables
    )
    trees = [tree for one in loops for tree in _trees(one, reader)]
    threads = thread_states(project, focus=focus, with_variables=with_variables) if with_threads else []
    here = next((one for one in loops if one.ident == focus), None)
    at, wait = _first_look(trees, threads, is_loop=here is not None)
    lag = measure_lag(here.loop) if here is not None and here.ident != threading.get_ident() else None
    graph = {**reader.waits(), **{f"thread {t.name}": _thread_edges(t) for t in threads}}
    return Capture(
        waiting_at=at,
        waiting_for=wait,
        tasks=tuple(trees),
        threads=tuple(threads),
        cycles=cycles(graph),
        lag_s=lag,
        context=tuple(_told(provider) for provider in providers),
    )


def take_task(task: asyncio.Task[Any], *, project: Project | None = None) -> Capture:
    """
    What one task of the running loop waits for, without threads: cheap enough for a deadline inside a service.
    """
    project = project or Project()
    reader = _Reader(asyncio.all_tasks(task.get_loop()), project=project, with_variables=False)
    tree = reader.state(task, loop="", main=task)
    at, wait = _innermost(tree)
    return Capture(waiting_at=at, waiting_for=wait, tasks=(tree,), cycles=cycles(reader.waits()))


def take_loop(loop: asyncio.AbstractEventLoop, *, project: Project | None = None) -> Capture:
    """
    What the tasks of one loop wait for, without threads. The loop need not run: an exception may just have left it.
    """
    project = project or Project()
    tasks = tasks_of(loop)
    reader = _Reader(tasks, project=project, with_variables=False)
    trees = _trees(RunningLoop(loop, threading.get_ident(), None), reader) if tasks else []
    return Capture(waiting_at=None, waiting_for=None, tasks=tuple(trees), cycles=cycles(reader.waits()))


def _thread_edges(thread: ThreadState) -> list[str]:
    return [f"thread {name}" for name in thread.wait.holders] if thread.wait is not None else []


def _trees(running: RunningLoop, reader: _Reader) -> list[TaskState]:
    loop = thread_name(running.ident)
    tasks = tasks_of(running.loop)
    roots = [task for task in tasks if task not in reader.is_child or task is running.main]
    # A cycle of tasks that wait for one another has no root: begin anywhere.
    ordered = sorted(roots or tasks[:1], key=lambda task: task is not running.main)
    return [reader.state(task, loop=loop, main=running.main) for task in ordered]


def _first_look(
    trees: Sequence[TaskState], threads: Sequence[ThreadState], *, is_loop: bool
) -> tuple[Line | None, Wait | None]:
    thread = next((one for one in threads if one.is_focus), None)
    is_idle = thread is not None and thread.wait is not None and thread.wait.kind == "select"
    tree = next((one for one in trees if one.is_main), None)
    if tree is not None and is_loop and (is_idle or thread is None):
        return _innermost(tree)
    return (None, None) if thread is None else (_own(thread.lines), thread.wait)


def _innermost(tree: TaskState) -> tuple[Line | None, Wait | None]:
    line, wait = _own(tree.lines), tree.wait
    if len(tree.children) == 1:
        deeper, deeper_wait = _innermost(tree.children[0])
        return deeper or line, deeper_wait or wait
    return line, wait


def _own(lines: Sequence[Line]) -> Line | None:
    own = next((line for line in reversed(lines) if line.is_own), None)
    return own or (lines[-1] if lines else None)


def _told(provider: ContextProvider) -> tuple[str, tuple[str, ...]]:
    try:
        title, told = provider()
        return title, tuple(told)
    except Exception as error:  # noqa: BLE001 - one provider's defect must not cost the others
        return f"{getattr(provider, '__qualname__', provider)!s}", (f"raised {type(error).__name__}: {error}",)
