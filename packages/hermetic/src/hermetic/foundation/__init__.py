"""
What everything above stands on: events, sinks, clocks, findings. Knows nothing of pytest, guard, world or record.
"""

from hermetic.foundation.clock import Clock, SystemClock
from hermetic.foundation.events import Event
from hermetic.foundation.finding import Finding, Frame, Owner, Remedy, Site
from hermetic.foundation.sink import ListSink, NullSink, Sink

__all__ = [
    "Clock",
    "Event",
    "Finding",
    "Frame",
    "ListSink",
    "NullSink",
    "Owner",
    "Remedy",
    "Sink",
    "Site",
    "SystemClock",
]
