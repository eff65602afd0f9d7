"""
The events of the test that runs now, in memory and bounded: what a failure is explained from without a file.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hermetic.foundation import Event, Sink

_MOST = 2000


class TestMemory:
    """
    A sink that passes events on and keeps the last `most` of them until they are forgotten.
    """

    __test__ = False

    def __init__(self, sink: Sink, *, most: int = _MOST) -> None:
        self._sink = sink
        self._events: deque[Event] = deque(maxlen=most)

    def emit(self, event: Event) -> None:
        self._events.append(event)
        self._sink.emit(event)

    def events(self) -> tuple[Event, ...]:
        return tuple(self._events)

    def forget(self) -> None:
        self._events.clear()
