"""
What deadlines tell the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hermetic.foundation.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlinePassed(Event):
    """
    A test did not end in time. `phase` is its part ("call"), `text` the whole capture, `waiting_at` its first line as
    `file:line`, `is_deadlock` that nothing could have woken it. It is written before the hang is ended.
    """

    kind: ClassVar[str] = "guard.deadline_passed"

    test: str
    phase: str
    budget_s: float
    elapsed_s: float
    source: str
    waiting_at: str
    is_deadlock: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HangStep(Event):
    """
    A step that is taken to end a hang: "cancelled" (its task is being cancelled), "interrupted" (its thread is), or "ended"
    (its process is, since nothing else helped).
    """

    kind: ClassVar[str] = "guard.hang_step"

    test: str
    phase: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HangEnded(Event):
    """
    What it took to end a hang: "cancelled", "interrupted" or "by itself". `is_responsive` says that the test's
    task was waiting in its loop when the hang was captured, so that a cancellation reached it.
    """

    kind: ClassVar[str] = "guard.hang_ended"

    test: str
    phase: str
    ended_by: str
    is_responsive: bool
