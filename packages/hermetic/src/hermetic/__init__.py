"""
Hermetic makes asynchronous integration tests trustworthy.

Everything below is imported when it is first asked for: `import hermetic` alone loads nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hermetic._version import __version__

if TYPE_CHECKING:
    from hermetic.guard.deadlines import BudgetError, Deadline, DeadlineExceeded, Timeouts, deadline, timeouts
    from hermetic.world.http import MockServer, MockServerContext

__all__ = [
    "BudgetError",
    "Deadline",
    "DeadlineExceeded",
    "MockServer",
    "MockServerContext",
    "Timeouts",
    "__version__",
    "deadline",
    "timeouts",
]

# Where each name lives. A name is imported when it is first asked for, so `import hermetic` costs nothing.
_HOMES = {
    "BudgetError": "hermetic.guard.deadlines",
    "Deadline": "hermetic.guard.deadlines",
    "DeadlineExceeded": "hermetic.guard.deadlines",
    "MockServer": "hermetic.world.http",
    "MockServerContext": "hermetic.world.http",
    "Timeouts": "hermetic.guard.deadlines",
    "deadline": "hermetic.guard.deadlines",
    "timeouts": "hermetic.guard.deadlines",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hermetic' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
