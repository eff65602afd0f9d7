"""
What a test may say itself about what happens in it: checkpoints, operations, the state of a service, comparisons.

Everything goes into the process's stream of events and is kept where somebody listens. Where nobody does, and when a test
passes, next to nothing is done.
"""

from hermetic.record.helpers.comparing import assert_with_context
from hermetic.record.helpers.context import DiagnosticContext, with_diagnostics
from hermetic.record.helpers.operations import monitor_async_operations, track_service_state

__all__ = [
    "DiagnosticContext",
    "assert_with_context",
    "monitor_async_operations",
    "track_service_state",
    "with_diagnostics",
]
