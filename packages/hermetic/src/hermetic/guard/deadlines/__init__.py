"""
Time limits that always end what they bound, and say what it waited for.
"""

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
