"""
What limits tell the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hermetic.foundation.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcesUsed(Event):
    """
    How much more than at its start a test had in use at once: `memory_mb` in units of 1,048,576 bytes, the others counted.
    """

    kind: ClassVar[str] = "guard.resources"

    test: str
    memory_mb: float
    database_connections: int
    open_files: int
    threads: int
    http_connections: int
    async_tasks: int
    child_processes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitPassed(Event):
    """
    A test had more in use at once than its limit allows; `text` says who held it.
    """

    kind: ClassVar[str] = "guard.limit_passed"

    test: str
    resource: str
    used: float
    limit: float
    source: str
    text: str
