"""
Telling observers, and keeping count of trouble, so that a lasting failure is one story and not a flood.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ip_monitor.domain.events import Trouble, TroubleOver
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.application.ports import Clock, Observer
    from ip_monitor.domain.events import Event

_LOG = logging.getLogger("ip_monitor")


class Announcer:
    """
    Passes events on to observers; an observer that raises is logged and does not disturb the others.
    """

    def __init__(self, observers: Sequence[Observer], *, clock: Clock) -> None:
        self._observers = list(observers)
        self._clock = clock
        self._troubles: dict[str, int] = {}

    def add(self, observer: Observer) -> None:
        self._observers.append(observer)

    def remove(self, observer: Observer) -> None:
        self._observers.remove(observer)

    def discard(self, observer: Observer) -> None:
        """
        Remove one that may not be there.
        """
        if observer in self._observers:
            self._observers.remove(observer)

    def tell(self, event: Event) -> None:
        for observer in tuple(self._observers):
            try:
                observer.observe(event)
            except Exception:  # noqa: BLE001 - what shows the monitor must not stop it
                _LOG.exception("an observer failed on %s", type(event).__name__)

    def trouble(self, topic: str, *, what: str, remedy: str = "") -> None:
        """
        Something failed again; `topic` tells one kind of trouble from another.
        """
        count = self._troubles[topic] = self._troubles.get(topic, 0) + 1
        self.tell(Trouble(at=utc_now(self._clock), topic=topic, what=what, remedy=remedy, count=count))

    def fine(self, topic: str) -> None:
        """
        It worked; ends a trouble of the same topic, if there was one.
        """
        if self._troubles.pop(topic, 0):
            self.tell(TroubleOver(at=utc_now(self._clock), topic=topic))
