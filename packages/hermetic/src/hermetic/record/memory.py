"""
The events of the test that runs now, in memory and bounded: what a failure is explained from without a file.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from hermetic.record.moments import made

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.foundation.events import Event
    from hermetic.record.moments import Moment, MomentSink

_MOST = 2000
_EARLIER = 50


class TestMemory:
    """
    A sink that keeps the last `most` events until they are forgotten, and passes them on where `sink` is given.
    """

    __test__ = False

    def __init__(self, sink: MomentSink | None, *, most: int = _MOST) -> None:
        self._sink = sink
        self._events: deque[Event | Moment] = deque(maxlen=most)
        # The last ones of the tests before.
        self._earlier: deque[Event | Moment] = deque(maxlen=_EARLIER)

    def emit(self, event: Event) -> None:
        self._events.append(event)
        if self._sink is not None:
            self._sink.emit(event)

    def tell(self, make: Callable[..., Event], *values: object) -> None:
        """
        Emit `make(*values)`, which is made only when somebody asks what happened.
        """
        moment = (make, values)
        self._events.append(moment)
        if self._sink is not None:
            self._sink.tell(moment)

    def events(self) -> tuple[Event, ...]:
        return tuple(map(made, tuple(self._events)))

    def recent(self, most: int) -> list[Event]:
        """
        The last ones, at most 50, also of tests that are forgotten.
        """
        known = [*self._earlier, *self._events]
        return [made(one) for one in known[-most:]]

    def forget(self) -> None:
        self._earlier.extend(islice(self._events, max(0, len(self._events) - _EARLIER), None))
        self._events.clear()
