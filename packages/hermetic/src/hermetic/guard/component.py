"""
How a part of the guard takes part in a run: the census, isolation, limits and others are components.

The plugin tells every component, in the order of registration, when an owner (a test or a fixture) starts and ends;
on the way down (`leaving`, `left`) in reverse order. Fixtures nest inside the test that first asked for them:

    entering(test)                       before any fixture of it
      entering(session fixture) … ready(session fixture)
      entering(function fixture) … ready(function fixture)
    ready(test)                          its own code runs next
      …                                  the test's code
    leaving(test)                        its code has ended, whatever the outcome
      leaving(function fixture)          its teardown code runs next
      left(function fixture)
    left(test)                           everything that ends with it has been torn down
    judge([function fixture, test])      all owners that ended, oldest first; a broader fixture comes here when it ends

A component that raises out of any of these is reported once and taken out of the run; the tests go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hermetic.foundation.finding import Finding
    from hermetic.guard.ownership.tenure import Tenure


class Verdict:
    """
    A finding with the way to mend it.

    `mend` is called once after the finding has been recorded, unless policy says that its kind is off or mending is
    switched off. It returns what was done ("closed"), for the reader; it may raise, which is then what the reader is told.
    """

    # Written out: a dataclass costs every run most of a millisecond at its start.
    __slots__ = ("finding", "mend")

    def __init__(self, finding: Finding, mend: Callable[[], str] | None = None) -> None:
        self.finding = finding
        self.mend = mend


class Component(Protocol):
    """
    One part of the guard. All calls come from the main thread, outside any running loop.
    """

    name: str
    is_for_tests: bool
    """
    Whether it is told of tests too, and not only of fixtures.
    """

    def start(self) -> None:
        """
        The session begins: install what watches.
        """
        ...

    def entering(self, tenure: Tenure) -> None: ...

    def ready(self, tenure: Tenure) -> None: ...

    def leaving(self, tenure: Tenure) -> None: ...

    def left(self, tenure: Tenure) -> None: ...

    def judge(self, tenures: Sequence[Tenure]) -> Iterable[Verdict]:
        """
        What these owners, which have ended, left behind.
        """
        ...

    def distrust(self) -> None:
        """
        What was found is mended now, which may change whatever was read of the process before.
        """
        ...

    def stop(self) -> None:
        """
        The session ended: take out what was installed.
        """
        ...


class Quiet:
    """
    A component that does nothing: a base for those that need only a few of the calls.
    """

    name = "quiet"
    is_for_tests = True

    def start(self) -> None:
        pass

    def entering(self, tenure: Tenure) -> None:
        pass

    def ready(self, tenure: Tenure) -> None:
        pass

    def leaving(self, tenure: Tenure) -> None:
        pass

    def left(self, tenure: Tenure) -> None:
        pass

    def judge(self, tenures: Sequence[Tenure]) -> Iterable[Verdict]:  # noqa: ARG002 - a base class names it for others
        return ()

    def distrust(self) -> None:
        pass

    def stop(self) -> None:
        pass
