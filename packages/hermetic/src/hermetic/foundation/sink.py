"""
Where events go. Guard and world are handed a Sink by whoever wires them, so neither knows who keeps the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hermetic.foundation.events import Event


class Sink(Protocol):
    """
    Takes events. Callable from any thread; never blocks on anything but a local file, never raises.
    """

    def emit(self, event: Event) -> None: ...


class NullSink:
    """
    Keeps nothing: the default where nobody listens.
    """

    def emit(self, event: Event) -> None:
        pass


class ListSink:
    """
    Keeps every event in memory, in order, for tests and for scripts that look at them afterwards.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)
