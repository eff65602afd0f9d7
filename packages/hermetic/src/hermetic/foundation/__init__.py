"""
What everything above stands on: events, sinks, clocks, findings. Knows nothing of pytest, guard, world or record.
"""

from hermetic.foundation.clock import Clock, SystemClock
from hermetic.foundation.events import Event
from hermetic.foundation.sink import ListSink, NullSink, Sink

__all__ = ["Clock", "Event", "ListSink", "NullSink", "Sink", "SystemClock"]
