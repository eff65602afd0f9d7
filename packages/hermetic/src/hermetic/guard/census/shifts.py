"""
What can only be seen by looking again: whoever's code ran between two looks has changed it.

Some things tell nobody when they come into being: a descriptor that code written in C opens, a transaction that begins
on somebody else's connection, a process whose parent has ended. Each of them has a watch here, which is asked to look
when the guard is told that an owner begins, that a fixture is ready, and that something is judged. A look must cost next
to nothing where nothing has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hermetic.guard.component import Quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hermetic.guard.component import Verdict
    from hermetic.guard.ownership import Roll, Tenure


class Watch(Protocol):
    """
    Looks at one kind of thing. What it finds it hands to the census, as something that happened.
    """

    def start(self) -> Callable[[], None]:
        """
        Begin; returns what ends it.
        """
        ...

    def look(self, ran: Tenure, *, is_brief: bool) -> None:
        """
        The code of `ran`, and nobody else's, has run since the last look. A brief look may miss what the next one, which
        will not be brief, then finds with the wrong owner: little has run.
        """
        ...

    def judge(self, ended: Sequence[Tenure]) -> None:
        """
        These owners have ended; everything has just been looked at.
        """
        ...


class Shifts(Quiet):
    """
    Calls the watches in time. To be told before the census, which reports what they find.
    """

    name = "shifts"

    def __init__(self, watches: Iterable[Watch], *, roll: Roll) -> None:
        self._watches = tuple(watches)
        self._roll = roll
        self._ran = roll.session
        self._undo: list[Callable[[], None]] = []

    def start(self) -> None:
        self._undo += [watch.start() for watch in self._watches]

    def stop(self) -> None:
        while self._undo:
            self._undo.pop()()

    def entering(self, tenure: Tenure) -> None:
        # Since the last test was judged, or since the fixture before was ready.
        self._look(self._ran, is_brief=True)
        self._ran = tenure

    def ready(self, tenure: Tenure) -> None:
        # A test is ready when its fixtures are, each of which was looked at.
        if not tenure.is_test:
            self._look(tenure)
        self._ran = self._roll.current

    def judge(self, tenures: Sequence[Tenure]) -> Iterable[Verdict]:
        self._look(self._ran)
        for watch in self._watches:
            watch.judge(tenures)
        self._ran = self._roll.current
        return ()

    def _look(self, ran: Tenure, *, is_brief: bool = False) -> None:
        for watch in self._watches:
            watch.look(ran, is_brief=is_brief)
