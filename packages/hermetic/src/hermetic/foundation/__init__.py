"""
What everything above stands on: events, sinks, clocks, findings. Knows nothing of pytest, guard, world or record.

Each name is imported when it is first asked for: most runs find nothing, and need none of the records of findings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.foundation.lazy import lazy_names

if TYPE_CHECKING:
    from hermetic.foundation.clock import Clock, SystemClock
    from hermetic.foundation.events import Event
    from hermetic.foundation.finding import Finding, Frame, Owner, Site
    from hermetic.foundation.remedy import Remedy
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

_HOMES = {
    "Clock": ".clock",
    "Event": ".events",
    "Finding": ".finding",
    "Frame": ".finding",
    "ListSink": ".sink",
    "NullSink": ".sink",
    "Owner": ".finding",
    "Remedy": ".remedy",
    "Sink": ".sink",
    "Site": ".finding",
    "SystemClock": ".clock",
}

__getattr__, __dir__ = lazy_names(__name__, names=__all__, homes=_HOMES)
