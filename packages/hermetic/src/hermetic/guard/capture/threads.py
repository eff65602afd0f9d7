"""
What threads wait for, told from their stacks in the same way as awaits are.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from hermetic.foundation.frames import locals_of
from hermetic.foundation.frames import stacks as current_stacks
from hermetic.guard.capture.holders import entering, holds
from hermetic.guard.capture.lines import line_of, short_repr
from hermetic.guard.capture.model import ThreadState, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sized
    from types import FrameType

    from hermetic.guard.capture.lines import Project

# Packages whose threads belong to the tools around a test: they never wake its loop, and tell nothing about it.
_TOOLS = frozenset({"execnet", "xdist", "_pytest", "pytest", "coverage", "pydevd", "pytest_rerunfailures"})
# Hermetic's own, by the module in which they begin; other modules of it only wrap threads of the user's.
_OWN_MODULES = frozenset({"hermetic.guard.sentry", "hermetic.guard.deadlines.watchdog"})
_INTERRUPTING = "hermetic.guard.deadlines.interrupt"
# How Hermetic names its threads.
OWN_NAMES = "hermetic-"


def thread_states(project: Project, *, focus: int | None, with_variables: bool = False) -> list[ThreadState]:
    """
    All threads but Hermetic's own, the thread in focus (by ident) first. The one that asks is among them only when a signal of a
    deadline's interrupted it: then it is shown where that struck.
    """
    known = {thread.ident: thread for thread in threading.enumerate()}
    own = {ident for ident, thread in known.items() if thread.name.startswith(OWN_NAMES)}
    stacks = {ident: frames[::-1] for ident, frames in current_stacks().items() if ident not in own}
    asker = threading.get_ident()
    interrupted = _before_signal(stacks.pop(asker, []))
    if interrupted:
        stacks[asker] = interrupted
    main = threading.main_thread().ident
    states: list[ThreadState] = []
    for ident, frames in stacks.items():
        thread = known.get(ident)
        if ident not in {focus, main} and is_of_tools(frames):
            continue
        state = ThreadState(
            name=thread.name if thread is not None else f"native thread {ident}",
            is_daemon=thread.daemon if thread is not None else True,
            is_main=ident == main,
            lines=tuple(line_of(frame, project, with_variables=with_variables) for frame in frames),
            is_focus=ident == focus,
            wait=thread_wait(frames, stacks),
        )
        states.append(state)
    return sorted(states, key=lambda state: (not state.is_focus, not state.is_main, state.name))


def _before_signal(frames: list[FrameType]) -> list[FrameType]:
    # What a thread was at, outermost first, when it was made to run the handler; empty when it runs none.
    handlers = [
        number
        for number, frame in enumerate(frames)
        if frame.f_code.co_name == "_handle" and frame.f_globals.get("__name__") == _INTERRUPTING
    ]
    return frames[: handlers[-1]] if handlers else []


def is_of_tools(frames: list[FrameType]) -> bool:
    """
    Whether a thread belongs to the tools around a test, by the code that it was started for.
    """
    modules = (str(frame.f_globals.get("__name__", "")) for frame in frames)
    first = next((module for module in modules if module != "threading"), "")
    return first in _OWN_MODULES or first.partition(".")[0] in _TOOLS


def worker_of(future: object) -> str | None:
    """
    The name of the pool's thread that runs the call behind a concurrent future.
    """
    for ident, frames in current_stacks().items():
        for one in frames:
            if one.f_code.co_name == "_worker" and getattr(locals_of(one).get("work_item"), "future", None) is future:
                return thread_name(ident)
    return None


def thread_name(ident: int | None) -> str:
    return next((thread.name for thread in threading.enumerate() if thread.ident == ident), f"thread {ident}")


def thread_wait(frames: list[FrameType], stacks: Mapping[int, list[FrameType]]) -> Wait | None:
    """
    What the thread with these frames (outermost first) waits for, as far as its frames tell.
    """
    # The outermost of the known frames knows most: Queue.get above Condition.wait, Thread.join above its lock.
    for frame in frames[-4:]:
        describe = _KNOWN.get((str(frame.f_globals.get("__name__", "")), frame.f_code.co_qualname))
        if describe is not None:
            return describe(locals_of(frame))
    innermost = frames[-1]
    lock = entering(innermost)
    if lock is None or not hasattr(lock, "acquire"):
        return None
    return Wait(kind="thread lock", text=f"lock {short_repr(lock)}", holders=_holders(innermost, lock, stacks))


def _holders(waiter: FrameType, lock: object, stacks: Mapping[int, list[FrameType]]) -> tuple[str, ...]:
    return tuple(
        thread_name(ident)
        for ident, frames in stacks.items()
        if any(frame is not waiter and holds(frame, lock) for frame in frames)
    )


def _join(names: dict[str, Any]) -> Wait:
    name = getattr(names.get("self"), "name", "?")
    return Wait(kind="thread", text=f"thread {name!r} to end", holders=(name,))


def _process(names: dict[str, Any]) -> Wait:
    process = names.get("self")
    pid = getattr(process, "pid", None)
    return Wait(
        kind="subprocess", text=f"subprocess {pid} to end: {short_repr(getattr(process, 'args', ''), longest=80)}"
    )


def _named(kind: str, word: str) -> Callable[[dict[str, Any]], Wait]:
    return lambda names: Wait(kind=kind, text=f"{word} {short_repr(names.get('self'))}")


def _select(names: dict[str, Any]) -> Wait:
    selector = names.get("self")
    timeout = names.get("timeout")
    registered: Sized | None = selector.get_map() if selector is not None else None
    count = len(registered or ())
    until = "" if timeout is None or timeout < 0 else f", at most {timeout:.3g} s at a time"
    return Wait(kind="select", text=f"an event on {count} descriptors{until}")


_KNOWN: dict[tuple[str, str], Callable[[dict[str, Any]], Wait]] = {
    ("threading", "Thread.join"): _join,
    ("subprocess", "Popen._wait"): _process,
    ("subprocess", "Popen.communicate"): _process,
    ("queue", "Queue.get"): _named("queue", "an item in"),
    ("queue", "Queue.put"): _named("queue", "room in"),
    ("queue", "Queue.join"): _named("queue", "all items done in"),
    ("threading", "Event.wait"): _named("event", "event"),
    ("threading", "Barrier.wait"): _named("barrier", "barrier"),
    ("threading", "Condition.wait"): _named("condition", "condition"),
    ("threading", "Semaphore.acquire"): _named("semaphore", "semaphore"),
    ("concurrent.futures._base", "Future.result"): _named("future", "the result of"),
    ("socket", "SocketIO.readinto"): _named("socket", "data from"),
    ("selectors", "EpollSelector.select"): _select,
    ("selectors", "_PollLikeSelector.select"): _select,
    ("selectors", "SelectSelector.select"): _select,
}
