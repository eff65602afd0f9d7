"""
The events of the test that runs now, in memory and bounded: what a failure is explained from without a file.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.foundation.events import Event
    from hermetic.foundation.sink import Sink

_MOST = 2000


class Later:
    """
    An event that is made when somebody asks for it: of most tests nobody ever does, and making one costs microseconds.
    """

    __slots__ = ("_make", "_values")

    def __init__(self, make: Callable[..., Event], values: tuple[object, ...]) -> None:
        self._make = make
        self._values = values

    def event(self) -> Event:
        return self._make(*self._values)


def made(one: Event | Later) -> Event:
    """
    The event itself.
    """
    return one.event() if isinstance(one, Later) else one


class TestMemory:
    """
    A sink that keeps the last `most` events until they are forgotten, and passes them on where `sink` is given.
    """

    __test__ = False

    def __init__(self, sink: Sink | None, *, most: int = _MOST) -> None:
        self._sink = sink
        self._events: deque[Event | Later] = deque(maxlen=most)

    @property
    def is_passing_on(self) -> bool:
        """
        Whether every event is wanted at once.
        """
        return self._sink is not None

    def emit(self, event: Event) -> None:
        self._events.append(event)
        if self._sink is not None:
            self._sink.emit(event)

    def keep(self, later: Later) -> None:
        """
        Keep an event that need not be made yet.
        """
        self._events.append(later)

    def events(self) -> tuple[Event, ...]:
        return tuple(map(made, tuple(self._events)))

    def forget(self) -> None:
        self._events.clear()
