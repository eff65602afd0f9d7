"""
How much a test, a block or a program may have open at once, how much it had, and what grows.

Each name is imported when it is first asked for: the plugin needs only the names of what is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.foundation.lazy import lazy_names

if TYPE_CHECKING:
    from hermetic.guard.limits.benchmark import BenchmarkResult, ResourceBenchmark, ResourceLeakError
    from hermetic.guard.limits.error import ResourceExhaustionError, ResourceLimitError
    from hermetic.guard.limits.limits import ResourceLimits
    from hermetic.guard.limits.monitor import NearLimit, ResourceMonitor
    from hermetic.guard.limits.profiler import ResourceGrowth, ResourceProfiler
    from hermetic.guard.limits.snapshot import ResourceSnapshot
    from hermetic.guard.limits.tally import Holder

__all__ = [
    "BenchmarkResult",
    "Holder",
    "NearLimit",
    "ResourceBenchmark",
    "ResourceExhaustionError",
    "ResourceGrowth",
    "ResourceLeakError",
    "ResourceLimitError",
    "ResourceLimits",
    "ResourceMonitor",
    "ResourceProfiler",
    "ResourceSnapshot",
]

_HOMES = {
    "BenchmarkResult": ".benchmark",
    "Holder": ".tally",
    "NearLimit": ".monitor",
    "ResourceBenchmark": ".benchmark",
    "ResourceExhaustionError": ".error",
    "ResourceGrowth": ".profiler",
    "ResourceLeakError": ".benchmark",
    "ResourceLimitError": ".error",
    "ResourceLimits": ".limits",
    "ResourceMonitor": ".monitor",
    "ResourceProfiler": ".profiler",
    "ResourceSnapshot": ".snapshot",
}

__getattr__, __dir__ = lazy_names(__name__, names=__all__, homes=_HOMES)
