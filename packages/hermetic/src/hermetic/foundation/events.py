"""
The typed stream of what happens around a test. Guard and world write events; record keeps and reads them.

Each layer defines its own event classes as subclasses of `Event` beside the code that emits them; record knows
them all. An event is a plain frozen record: no behaviour, no reference to live objects, only values that can be
written as JSON (str, int, float, bool, None, tuples of these, and nested frozen dataclasses).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    One thing that happened.

    `kind` is the event's stable name in the journal, dotted from general to particular ("http.request");
    `at_s` is `Clock.monotonic()` in seconds when it happened, comparable only inside one process.
    """

    kind: ClassVar[str] = "event"

    at_s: float
