"""
Who is on: the stack of owners whose code runs, and all that live.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.guard import late
from hermetic.guard.ownership.tenure import Tenure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermetic.foundation.finding import Owner


def _session() -> Owner:
    owner: Owner = late.load("hermetic.foundation.finding").Owner(kind="session", name="session", scope="session")
    return owner


class Roll:
    """
    Keeps which owner's code runs now (`current`) and which owners live.

    What is made while no test or fixture runs (collection, other plugins) belongs to the session's own tenure.
    """

    def __init__(self) -> None:
        self.session = Tenure(_session, scope="session")
        self.current = self.session
        self._running: list[Tenure] = [self.session]
        self._live: dict[Tenure, None] = {}
        self._over: list[Tenure] = []

    def enter(self, tenure: Tenure) -> None:
        """
        `tenure` begins and its code runs.
        """
        self._live[tenure] = None
        self.resume(tenure)

    def resume(self, tenure: Tenure) -> None:
        """
        Code of `tenure`, which lives already, runs again (a fixture's teardown).
        """
        self._running.append(tenure)
        self.current = tenure

    def pause(self, tenure: Tenure) -> None:
        """
        Code of `tenure` does not run any more; the one beneath it is on again. Nothing happens if it was not on.
        """
        for index in range(len(self._running) - 1, 0, -1):
            if self._running[index] is tenure:
                del self._running[index]
                break
        self.current = self._running[-1]

    def end(self, tenure: Tenure) -> None:
        """
        `tenure` has been torn down: it awaits judgement.
        """
        self._running = [one for one in self._running if one is not tenure]
        self.current = self._running[-1]
        if tenure in self._live:
            del self._live[tenure]
            tenure.is_over = True
            self._over.append(tenure)

    def take_ended(self) -> list[Tenure]:
        """
        The owners that ended since the last call, in the order of their ends.
        """
        if not self._over:
            return []
        ended, self._over = self._over, []
        return ended

    def living(self) -> Iterable[Tenure]:
        """
        The owners that live, oldest first.
        """
        return tuple(self._live)
