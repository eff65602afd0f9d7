"""
A capture as text: what is waited for first, then tasks as trees, deadlocks, threads, and what the providers told.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hermetic.guard.capture.model import Capture, Line, TaskState, ThreadState, Wait

_LINES = 12
# The deeper one first: installed packages lie below the standard library.
_LIBRARIES = ("/site-packages/", f"/python{sys.version_info[0]}.{sys.version_info[1]}/")
_TASKS = 50


def render(capture: Capture, *, root: str = "") -> str:
    """
    The whole capture, without a trailing newline. Files below the directory `root` are shown relative to it.

    At most 50 tasks and 12 lines a stack are shown; how many were left out is said.
    """
    return f"waiting at {waiting(capture, root=root)}\n{details(capture, root=root)}"


def details(capture: Capture, *, root: str = "") -> str:
    """
    The same without the line to look at first.
    """
    return "\n".join(_lines(capture, root))


def waiting(capture: Capture, *, root: str = "") -> str:
    """
    The one sentence to read first: the line that waits and what for.
    """
    at, wait = capture.waiting_at, capture.waiting_for
    place = "an unknown line" if at is None else f"{place_of(at, root)}  {at.source}".rstrip()
    return place if wait is None else f"{place}\n  which waits for {_wait(wait)}"


def place_of(line: Line, root: str) -> str:
    """
    `file:line`; of a library's file what is below the directory of libraries, which is the same on every machine.
    """
    file = line.frame.file
    if root:
        file = file.removeprefix(root.rstrip(os.sep) + os.sep)
    if not line.is_own:
        for library in _LIBRARIES:
            file = file.partition(library)[2] or file
    return f"{file}:{line.frame.line}"


def _lines(capture: Capture, root: str) -> Iterator[str]:
    for cycle in capture.cycles:
        names = [f"{name!r}" for name in cycle]
        yield f"deadlock: {' waits for '.join([*names, names[0]])}"
    if capture.tasks:
        yield "tasks:"
        for task in capture.tasks[:_TASKS]:
            yield from _task(task, root, "  ")
        if len(capture.tasks) > _TASKS:
            yield f"  … and {len(capture.tasks) - _TASKS} more tasks"
        if capture.lag_s is not None:
            yield f"the loop answered after {capture.lag_s * 1000:.1f} ms"
    if capture.threads:
        yield "threads:"
        for thread in capture.threads:
            yield from _thread(thread, root)
    for title, told in capture.context:
        if told:
            yield f"{title}:"
            yield from (f"  {line}" for line in told)


def _wait(wait: Wait) -> str:
    held = f", held by {' and '.join(repr(name) for name in wait.holders)}" if wait.holders else ""
    return f"{wait.text}{'' if wait.kind in {'task', 'thread'} else held}"


def _task(task: TaskState, root: str, indent: str, *, bullet: str = "") -> Iterator[str]:
    note = "  (the test's own)" if task.is_main else ""
    yield f"{indent}{bullet}{task.name}{note}" + ("  (shown above)" if task.is_seen_above else "")
    if task.is_seen_above:
        return
    below = indent + "  " * bool(bullet)
    yield from _stack(task.lines, root, below + "  ")
    if task.wait is not None:
        yield f"{below}    waits for {_wait(task.wait)}"
    elif not task.lines:
        yield f"{below}    has not started"
    for child in task.children:
        yield from _task(child, root, below + "  ", bullet="└ ")


def _thread(thread: ThreadState, root: str) -> Iterator[str]:
    kind = "daemon" if thread.is_daemon else "not daemon: the process cannot exit while it runs"
    yield f"  {thread.name}" + ("" if thread.is_main else f"  ({kind})")
    yield from _stack(thread.lines, root, "    ")
    if thread.wait is not None:
        yield f"      waits for {_wait(thread.wait)}"


def _stack(lines: Sequence[Line], root: str, indent: str) -> Iterator[str]:
    # The user's own lines, and the innermost whosever it is: the rest is how libraries get from one to the other.
    shown = [line for line in lines if line.is_own or line is lines[-1]]
    hidden = len(shown) - _LINES
    if hidden > 0:
        yield f"{indent}… {hidden} lines above"
    for line in shown[-_LINES:]:
        yield f"{indent}{place_of(line, root)} in {line.frame.function}  {line.source}".rstrip()
        for name, value in line.variables:
            yield f"{indent}    {name} = {value}"
