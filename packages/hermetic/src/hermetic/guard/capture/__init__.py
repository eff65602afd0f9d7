"""
What a program waits for, told at one moment: await chains as trees, threads, deadlocks as cycles.

Each name is imported when it is first asked for: most of it brings asyncio, which few runs need before something hangs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.foundation.lazy import lazy_names

if TYPE_CHECKING:
    from hermetic.guard.capture.lines import Project
    from hermetic.guard.capture.model import Capture, Line, TaskState, ThreadState, Wait
    from hermetic.guard.capture.taking import take, take_loop, take_task
    from hermetic.guard.capture.text import details, render, waiting

__all__ = [
    "Capture",
    "Line",
    "Project",
    "TaskState",
    "ThreadState",
    "Wait",
    "details",
    "render",
    "take",
    "take_loop",
    "take_task",
    "waiting",
]

_HOMES = {
    "Capture": ".model",
    "Line": ".model",
    "Project": ".lines",
    "TaskState": ".model",
    "ThreadState": ".model",
    "Wait": ".model",
    "details": ".text",
    "render": ".text",
    "take": ".taking",
    "take_loop": ".taking",
    "take_task": ".taking",
    "waiting": ".text",
}

__getattr__, __dir__ = lazy_names(__name__, names=__all__, homes=_HOMES)
