"""
The event loops of a process: which run, how late they answer, and whether anything can wake them.
"""

from __future__ import annotations

import asyncio
import contextlib
import linecache
import os
import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from hermetic.foundation.frames import locals_of, stack_of, stacks
from hermetic.guard.capture.threads import OWN_NAMES, is_of_tools

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# Where threads of well-known pools stand when they have nothing to do: (module, function).
_IDLE = frozenset(
    {
        ("concurrent.futures.thread", "_worker"),
        ("aiosqlite.core", "_connection_worker_thread"),
        ("aiosqlite.core", "Connection.run"),
    }
)


@dataclass(frozen=True, slots=True)
class RunningLoop:
    """
    A loop that runs now, in which thread (by ident), and the future that `run_until_complete` was given, if any.
    """

    loop: asyncio.AbstractEventLoop
    ident: int
    main: asyncio.Future[Any] | None


def running_loops() -> list[RunningLoop]:
    """
    All loops that run in this process at the moment, found on the stacks of its threads.
    """
    found: list[RunningLoop] = []
    for ident, frames in stacks().items():
        running = _loop_in(frames[::-1], ident)
        if running is not None:
            found.append(running)
    return found


def _loop_in(frames: list[FrameType], ident: int) -> RunningLoop | None:
    loop: asyncio.AbstractEventLoop | None = None
    main: asyncio.Future[Any] | None = None
    for frame in frames:
        name = frame.f_code.co_qualname
        if name == "Runner.run" and frame.f_globals.get("__name__") == "asyncio.runners":
            # Loops written in C (uvloop) leave no frame of their own; the runner's has the loop and the task.
            names = locals_of(frame)
            loop = getattr(names.get("self"), "_loop", None) or loop
            main = names.get("task") or main
        elif name == "BaseEventLoop.run_until_complete":
            names = locals_of(frame)
            loop, main = names["self"], names.get("future")
        elif name == "BaseEventLoop.run_forever":
            loop = locals_of(frame)["self"]
    if loop is None or not loop.is_running():
        return None
    return RunningLoop(loop, ident, main if asyncio.isfuture(main) else None)


def tasks_of(loop: asyncio.AbstractEventLoop) -> list[asyncio.Task[Any]]:
    """
    The loop's tasks that are not done, oldest first as far as their names tell.
    """
    for _ in range(10):
        with contextlib.suppress(RuntimeError):  # the set of all tasks changed while it was read from this thread
            return sorted(asyncio.all_tasks(loop), key=_age)
    return []


def _age(task: asyncio.Task[Any]) -> tuple[int, str]:
    name = task.get_name()
    number = name.removeprefix("Task-")
    return (int(number) if number.isdecimal() else 0, name)


def measure_lag(loop: asyncio.AbstractEventLoop, *, at_most: float = 0.05) -> float | None:
    """
    Seconds until the loop, which runs in another thread, answers; None if it did not within `at_most` seconds.
    """
    answered = threading.Event()
    started = monotonic()
    try:
        loop.call_soon_threadsafe(answered.set)
    except RuntimeError:  # closed meanwhile
        return None
    return monotonic() - started if answered.wait(at_most) else None


def can_be_woken(running: RunningLoop) -> str | None:
    """
    What could still wake a loop, as a phrase; None when nothing can: it is deadlocked.

    A loop is woken by a ready callback, a timer, a descriptor, a signal handler, a thread that has work, or a child
    process. Only loops of the standard library can be judged; any other "could" always be woken.

    The answer is sound only while the loop's thread waits in its selector; see `is_waiting`. A loop that changes while it is
    looked at, or is closed, is no longer waiting.
    """
    try:
        return next(_wakers(running), None)
    except (AttributeError, RuntimeError, ValueError, TypeError):
        return "it changed while it was looked at"


def _wakers(running: RunningLoop) -> Iterator[str]:
    loop: Any = running.loop
    if not isinstance(loop, asyncio.BaseEventLoop) or not hasattr(loop, "_selector"):
        yield "the loop is not one of the standard library's"
        return
    inner: Any = loop
    if inner._ready:
        yield "callbacks are ready"
    if any(not handle.cancelled() for handle in inner._scheduled):
        yield "a timer is set"
    own_pipe = inner._ssock.fileno()
    if any(key.fd != own_pipe for key in list(inner._selector.get_map().values())):
        yield "a descriptor is watched"
    if getattr(inner, "_signal_handlers", None):
        yield "a signal handler is set"
    if has_children():
        yield "a child process lives"
    thread = busy_thread({running.ident})
    if thread is not None:
        yield thread


def is_waiting(running: RunningLoop) -> bool:
    """
    Whether the loop's thread stands in its selector with no time limit.
    """
    frames = stack_of(running.ident)
    if not frames or frames[0].f_globals.get("__name__") != "selectors":
        return False
    # EpollSelector.select turns None into -1.
    timeout = locals_of(frames[0]).get("timeout")
    return timeout is None or timeout == -1


def busy_thread(besides: set[int]) -> str | None:
    """
    A thread that has work to do and may wake a loop, as a phrase; None when there is none but the caller's, those in
    `besides` (by ident), the tools', and those of known pools that have nothing to do.
    """
    ignored = {*besides, threading.get_ident()}
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frames in stacks().items():
        is_ours = names.get(ident, "").startswith(OWN_NAMES)
        if ident in ignored or is_ours or is_idle_thread(frames[::-1]):
            continue
        return f"thread {names.get(ident, ident)!r} runs"
    return None


def has_children() -> bool:
    """
    Whether this process has a child that it has not waited for: it may do anything, also wake a loop.

    Source: waitid(2): ECHILD when there is none; WNOWAIT leaves the child as it is.
    """
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def is_idle_thread(frames: list[FrameType]) -> bool:
    """
    Whether a thread with these frames (outermost first) is a pool's worker with nothing to do, or one of the tools'.
    """
    if is_of_tools(frames):
        return True
    innermost = frames[-1]
    place = (str(innermost.f_globals.get("__name__", "")), innermost.f_code.co_qualname)
    # A worker that is in C code stands in the same frame; only where it asks its queue has it nothing to do.
    if place not in _IDLE or ".get(" not in linecache.getline(innermost.f_code.co_filename, innermost.f_lineno):
        return False
    return not any(_has_items(value) for value in locals_of(innermost).values())


def _has_items(value: object) -> bool:
    size = getattr(value, "qsize", None)
    try:
        return size is not None and size() > 0
    except Exception:  # noqa: BLE001 - a strange object in a frame must not stop a look at it
        return False
