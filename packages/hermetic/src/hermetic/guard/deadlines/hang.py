"""
What is known of a hang.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hermetic.guard.deadlines.rung import Rung

if TYPE_CHECKING:
    from hermetic.guard.capture import Capture


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """
    A phase that did not end in time.

    `what` names the phase, `source` where its budget comes from; `is_deadlock` says that it was ended before its time,
    since nothing could have woken it any more.
    """

    what: str
    budget_s: float
    source: str
    elapsed_s: float
    capture: Capture
    rung: Rung = Rung.CAPTURED
    is_deadlock: bool = False

    def at(self, rung: Rung) -> Hang:
        return replace(self, rung=rung)
