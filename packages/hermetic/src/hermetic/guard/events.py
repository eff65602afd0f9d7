"""
What the guard tells the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hermetic.foundation.events import Event

if TYPE_CHECKING:
    from hermetic.foundation.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingReported(Event):
    """
    A finding, as it was judged, before anything was mended. `test` is the node id of the test that reports it.
    """

    kind: ClassVar[str] = "guard.finding"

    test: str
    level: str
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingMended(Event):
    """
    What was done about the finding written just before. `is_mended` is False when that failed.
    """

    kind: ClassVar[str] = "guard.mended"

    test: str
    finding_kind: str
    done: str
    is_mended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentFailed(Event):
    """
    A part of the guard raised and was taken out of the run; the tests went on without it.
    """

    kind: ClassVar[str] = "guard.component_failed"

    component: str
    step: str
    error: str
    traceback: str
