"""
Time limits that always end what they bound, and say what it waited for.

Each name is imported when it is first asked for: the plugin needs few of them, and `deadline` brings asyncio.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hermetic.guard.deadlines.budget import BudgetError
    from hermetic.guard.deadlines.error import DeadlineExceeded
    from hermetic.guard.deadlines.machine import machine_factor
    from hermetic.guard.deadlines.operations import Timeouts, timeouts
    from hermetic.guard.deadlines.scope import Deadline, deadline
    from hermetic.guard.deadlines.statistics import OperationStatistics

__all__ = [
    "BudgetError",
    "Deadline",
    "DeadlineExceeded",
    "OperationStatistics",
    "Timeouts",
    "deadline",
    "machine_factor",
    "timeouts",
]

_HOMES = {
    "BudgetError": "budget",
    "Deadline": "scope",
    "DeadlineExceeded": "error",
    "OperationStatistics": "statistics",
    "Timeouts": "operations",
    "deadline": "scope",
    "machine_factor": "machine",
    "timeouts": "operations",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hermetic.guard.deadlines' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"hermetic.guard.deadlines.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
