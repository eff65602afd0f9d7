"""
The events of the test that runs now, in memory and bounded: what a failure is explained from without a file.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.foundation.events import Event
    from hermetic.foundation.sink import Sink

    # An event that is made when somebody asks for it: of most tests nobody ever does, and making one costs microseconds.
    Later: TypeAlias = tuple[Callable[..., Event], tuple[object, ...]]

_MOST = 2000
_EARLIER = 50


class TestMemory:
    """
    A sink that keeps the last `most` events until they are forgotten, and passes them on where `sink` is given.
    """

    __test__ = False

    def __init__(self, sink: Sink | None, *, most: int = _MOST) -> None:
        self._sink = sink
        self._events: deque[Event | Later] = deque(maxlen=most)
        # The last ones of the tests before.
        self._earlier: deque[Event | Later] = deque(maxlen=_EARLIER)

    def emit(self, event: Event) -> None:
        self._events.append(event)
        if self._sink is not None:
            self._sink.emit(event)

    def tell(self, make: Callable[..., Event], *values: object) -> None:
        """
        Emit `make(*values)`, now where it is written, else only when somebody asks what happened.
        """
        if self._sink is None:
            self._events.append((make, values))
        else:
            self.emit(make(*values))

    def events(self) -> tuple[Event, ...]:
        return tuple(map(_made, tuple(self._events)))

    def recent(self, most: int) -> list[Event]:
        """
        The last ones, at most 50, also of tests that are forgotten.
        """
        known = [*self._earlier, *self._events]
        return [_made(one) for one in known[-most:]]

    def forget(self) -> None:
        self._earlier.extend(islice(self._events, max(0, len(self._events) - _EARLIER), None))
        self._events.clear()


def _made(one: Event | Later) -> Event:
    if isinstance(one, tuple):
        make, values = one
        return make(*values)
    return one
