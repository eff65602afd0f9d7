"""
How much a test, a block or a program may have open at once, how much it had, and what grows.
"""

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
