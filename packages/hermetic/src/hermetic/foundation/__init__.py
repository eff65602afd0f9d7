"""
What everything above stands on: events, sinks, clocks, findings. Knows nothing of pytest, guard, world or record.

Each name is imported when it is first asked for: most runs find nothing, and need none of the records of findings.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
    "Clock": "clock",
    "Event": "events",
    "Finding": "finding",
    "Frame": "finding",
    "ListSink": "sink",
    "NullSink": "sink",
    "Owner": "finding",
    "Remedy": "remedy",
    "Sink": "sink",
    "Site": "finding",
    "SystemClock": "clock",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hermetic.foundation' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"hermetic.foundation.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
