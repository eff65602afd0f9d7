"""
The process's own stream of events: what is emitted where nobody was handed a sink.

A mock server that a test makes by itself, a checkpoint in a helper ten calls deep: they emit here, and whoever watches
the process has connected it to where events go. Like the standard library's root logger it is one a process, since the
code that emits and the code that listens do not know one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.foundation.sink import NullSink

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.foundation.events import Event
    from hermetic.foundation.sink import Sink


class Stream:
    """
    A sink that passes events on to the one it is connected to; to nobody by default.
    """

    __slots__ = ("_sink",)

    def __init__(self) -> None:
        self._sink: Sink = NullSink()

    @property
    def is_heard(self) -> bool:
        """
        Whether anybody listens: what costs time to find out need not be found out for nobody.
        """
        return type(self._sink) is not NullSink

    def emit(self, event: Event) -> None:
        self._sink.emit(event)

    def connect(self, sink: Sink) -> Callable[[], None]:
        """
        Send events to `sink` from now on; returns what connects the one before again.
        """
        before, self._sink = self._sink, sink

        def disconnect() -> None:
            self._sink = before

        return disconnect


stream = Stream()
