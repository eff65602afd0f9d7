"""
Time limits that always end what they bound, and say what it waited for.

Each name is imported when it is first asked for: the plugin needs few of them, and `deadline` brings asyncio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.foundation.lazy import lazy_names

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
    "BudgetError": ".budget",
    "Deadline": ".scope",
    "DeadlineExceeded": ".error",
    "OperationStatistics": ".statistics",
    "Timeouts": ".operations",
    "deadline": ".scope",
    "machine_factor": ".machine",
    "timeouts": ".operations",
}

__getattr__, __dir__ = lazy_names(__name__, names=__all__, homes=_HOMES)
