"""
Hermetic makes asynchronous integration tests trustworthy.

Everything below is imported when it is first asked for: `import hermetic` alone loads nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic._version import __version__
from hermetic.foundation.lazy import lazy_names

if TYPE_CHECKING:
    from hermetic.guard.concurrency import (
        ConcurrentOutcome,
        ConditionNotMet,
        gather_or_cancel,
        track_concurrent_operations,
        wait_until,
    )
    from hermetic.guard.deadlines import BudgetError, Deadline, DeadlineExceeded, Timeouts, deadline, timeouts
    from hermetic.guard.factory import CleanupError, FixtureFactory
    from hermetic.guard.keeping import KeepError, keep
    from hermetic.guard.limits import (
        ResourceBenchmark,
        ResourceExhaustionError,
        ResourceLeakError,
        ResourceLimitError,
        ResourceLimits,
        ResourceMonitor,
        ResourceProfiler,
        ResourceSnapshot,
    )
    from hermetic.guard.resettable import ResettableError, resettable
    from hermetic.guard.schedule import InterleavingError, VirtualClock, VirtualTimeError, interleave
    from hermetic.record.diagnosis.collecting import ErrorDiagnostics
    from hermetic.record.helpers import (
        DiagnosticContext,
        assert_with_context,
        monitor_async_operations,
        track_service_state,
        with_diagnostics,
    )
    from hermetic.record.report import TestReporter
    from hermetic.world.http import HTTPMockFixture, MockCluster, MockServer, MockServerCluster, MockServerContext

__all__ = [
    "BudgetError",
    "CleanupError",
    "ConcurrentOutcome",
    "ConditionNotMet",
    "Deadline",
    "DeadlineExceeded",
    "DiagnosticContext",
    "ErrorDiagnostics",
    "FixtureFactory",
    "HTTPMockFixture",
    "InterleavingError",
    "KeepError",
    "MockCluster",
    "MockServer",
    "MockServerCluster",
    "MockServerContext",
    "ResettableError",
    "ResourceBenchmark",
    "ResourceExhaustionError",
    "ResourceLeakError",
    "ResourceLimitError",
    "ResourceLimits",
    "ResourceMonitor",
    "ResourceProfiler",
    "ResourceSnapshot",
    "TestReporter",
    "Timeouts",
    "VirtualClock",
    "VirtualTimeError",
    "__version__",
    "assert_with_context",
    "deadline",
    "gather_or_cancel",
    "interleave",
    "keep",
    "monitor_async_operations",
    "resettable",
    "timeouts",
    "track_concurrent_operations",
    "track_service_state",
    "wait_until",
    "with_diagnostics",
]

# Where each name lives. A name is imported when it is first asked for, so `import hermetic` costs nothing.
_HOMES = {
    "DiagnosticContext": "hermetic.record.helpers",
    "assert_with_context": "hermetic.record.helpers",
    "monitor_async_operations": "hermetic.record.helpers",
    "track_service_state": "hermetic.record.helpers",
    "with_diagnostics": "hermetic.record.helpers",
    "BudgetError": "hermetic.guard.deadlines",
    "CleanupError": "hermetic.guard.factory",
    "ConcurrentOutcome": "hermetic.guard.concurrency",
    "ConditionNotMet": "hermetic.guard.concurrency",
    "Deadline": "hermetic.guard.deadlines",
    "DeadlineExceeded": "hermetic.guard.deadlines",
    "ErrorDiagnostics": "hermetic.record.diagnosis.collecting",
    "FixtureFactory": "hermetic.guard.factory",
    "InterleavingError": "hermetic.guard.schedule",
    "HTTPMockFixture": "hermetic.world.http",
    "KeepError": "hermetic.guard.keeping",
    "MockCluster": "hermetic.world.http",
    "MockServer": "hermetic.world.http",
    "MockServerCluster": "hermetic.world.http",
    "MockServerContext": "hermetic.world.http",
    "ResettableError": "hermetic.guard.resettable",
    "ResourceBenchmark": "hermetic.guard.limits",
    "ResourceExhaustionError": "hermetic.guard.limits",
    "ResourceLeakError": "hermetic.guard.limits",
    "ResourceLimitError": "hermetic.guard.limits",
    "ResourceLimits": "hermetic.guard.limits",
    "ResourceMonitor": "hermetic.guard.limits",
    "ResourceProfiler": "hermetic.guard.limits",
    "ResourceSnapshot": "hermetic.guard.limits",
    "TestReporter": "hermetic.record.report",
    "Timeouts": "hermetic.guard.deadlines",
    "VirtualClock": "hermetic.guard.schedule",
    "VirtualTimeError": "hermetic.guard.schedule",
    "deadline": "hermetic.guard.deadlines",
    "gather_or_cancel": "hermetic.guard.concurrency",
    "interleave": "hermetic.guard.schedule",
    "keep": "hermetic.guard.keeping",
    "resettable": "hermetic.guard.resettable",
    "timeouts": "hermetic.guard.deadlines",
    "track_concurrent_operations": "hermetic.guard.concurrency",
    "wait_until": "hermetic.guard.concurrency",
}

__getattr__, __dir__ = lazy_names(__name__, names=__all__, homes=_HOMES)
