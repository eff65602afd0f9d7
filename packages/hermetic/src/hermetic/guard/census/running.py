"""
Which census runs in this process: what it watches (`socket`, `threading.Thread.start`, …) belongs to the process, so a
second one beside it would see everything twice. That is why the one instance below is the module's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.census import Census


class Running:
    """
    Knows the census of a test run, for whoever wants to count in it.
    """

    def __init__(self) -> None:
        self.census: Census | None = None
        self._afterwards: list[Callable[[], None]] = []

    def provide(self, census: Census) -> Callable[[], None]:
        """
        This census runs from now until what is returned is called.
        """
        before, self.census = self.census, census

        def over() -> None:
            if self.census is census:
                self.census = before
            while self._afterwards:
                self._afterwards.pop()()

        return over

    def afterwards(self, call: Callable[[], None]) -> None:
        """
        Call this when the census that runs now does not run any more.
        """
        self._afterwards.append(call)


RUNNING: Final = Running()
