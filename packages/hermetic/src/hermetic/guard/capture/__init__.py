"""
What a program waits for, told at one moment: await chains as trees, threads, deadlocks as cycles.
"""

from hermetic.guard.capture.lines import Project
from hermetic.guard.capture.model import Capture, Line, TaskState, ThreadState, Wait
from hermetic.guard.capture.taking import take, take_task
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
    "take_task",
    "waiting",
]
