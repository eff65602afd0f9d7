"""
Whether the monitor does its work: the one place where that is judged, for the supervisor that would start it again and for
whoever asks `/readyz`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.domain.events import CheckFinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.application.ports import Clock
    from ip_monitor.domain.events import Event
    from ip_monitor.settings import Settings

MISSED_CHECKS = 3
"""
After the time of how many checks without the end of one the monitor counts as stuck. It is more than the longest pause that
the monitor makes on purpose, which is twice the interval while storage is in trouble.
"""


class Pulse:
    """
    An observer; give it to the announcer.

    Args:
        settings: those that apply now.
        clock: its monotonic time counts, so that neither a set clock nor a machine that slept makes a monitor look stuck.
    """

    def __init__(self, settings: Callable[[], Settings], *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._checked_s = clock.monotonic()

    def observe(self, event: Event) -> None:
        if isinstance(event, CheckFinished):
            self._checked_s = self._clock.monotonic()

    @property
    def patience_s(self) -> float:
        """
        How long no check may end, seconds.
        """
        settings = self._settings()
        return MISSED_CHECKS * (settings.interval_s + settings.timeout_s + settings.confirm_pause_s)

    @property
    def waited_s(self) -> float:
        """
        Seconds since a check ended, or since the start.
        """
        return self._clock.monotonic() - self._checked_s

    @property
    def is_stuck(self) -> bool:
        """
        Whether only a new start can help.
        """
        return self.waited_s > self.patience_s
