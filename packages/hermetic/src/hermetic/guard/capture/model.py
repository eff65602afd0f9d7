"""
What a capture holds: values only, so that it can be written, sent and read after the process is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hermetic.foundation import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    A frame with its source line, and its local variables as text when they were asked for.

    `is_own` says that it is the user's own code, not the standard library's or an installed package's.
    """

    frame: Frame
    source: str
    is_own: bool = True
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """
    What something waits for.

    `kind` is stable ("lock", "queue", "sleep", "socket"); `text` is for the reader; `left_s` are the seconds until it
    would end by itself, None when nothing says that it would; `holders` name the tasks or threads that could end it.
    """

    kind: str
    text: str
    left_s: float | None = None
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """
    One asyncio task: its await chain from the outermost line to the innermost, what that waits for, and the tasks
    that it waits for in turn. `loop` names the thread in which its loop runs.
    """

    name: str
    lines: tuple[Line, ...]
    wait: Wait | None
    children: tuple[TaskState, ...] = ()
    loop: str = ""
    is_main: bool = False
    is_seen_above: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadState:
    """
    One thread with its stack, outermost line first, and what it waits for if that can be told.

    `is_focus` marks the thread that the capture is about.
    """

    name: str
    is_daemon: bool
    is_main: bool
    lines: tuple[Line, ...]
    is_focus: bool = False
    wait: Wait | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """
    Everything that was known at one moment about what a program waits for.

    `waiting_at` is the line to look at first: the innermost line of the user's own code in the task (or else in the
    main thread) that is being waited for. `cycles` are deadlocks: each names its members in order, the last one waits
    for the first. `lag_s` is how late the loop answers, None when it did not answer. `context` is what the providers
    told: a title and lines each.
    """

    waiting_at: Line | None
    waiting_for: Wait | None
    tasks: tuple[TaskState, ...] = ()
    threads: tuple[ThreadState, ...] = ()
    cycles: tuple[tuple[str, ...], ...] = ()
    lag_s: float | None = None
    context: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())
