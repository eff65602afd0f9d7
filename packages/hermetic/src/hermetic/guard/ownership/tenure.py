"""
The life of one owner: from the moment it starts until it has been torn down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.foundation.finding import Owner, Scope

Mode: TypeAlias = Literal["restore", "observe", "off"]
"""
What happens to process state that an owner changed: found and put back, found only, or not looked at.
"""

MODES: Final[tuple[Mode, ...]] = ("restore", "observe", "off")

_RANK: dict[Scope, int] = {"function": 0, "class": 1, "module": 2, "package": 3, "session": 4}


class Tenure:
    """
    One setup-to-teardown life of a test or fixture. Compared by identity: a fixture that is set up twice has two.

    `value` gives the fixture's value while it lives, None for a test: what a broader fixture holds on to is its own
    responsibility even when a test made it. The owner's record is made only when asked for, since most tenures end
    without a finding. `isolation` is the mode in which stains are handled where it differs from the run's.
    """

    __slots__ = ("_describe", "_owner", "is_over", "isolation", "scope", "value")

    def __init__(
        self,
        describe: Callable[[], Owner],
        *,
        scope: Scope = "function",
        value: Callable[[], object] | None = None,
        isolation: Mode | None = None,
    ) -> None:
        self._describe = describe
        self._owner: Owner | None = None
        self.scope: Scope = scope
        self.value = value
        self.isolation: Mode | None = isolation
        self.is_over = False

    @property
    def owner(self) -> Owner:
        if self._owner is None:
            self._owner = self._describe()
        return self._owner

    @property
    def is_test(self) -> bool:
        return self.value is None

    @property
    def breadth(self) -> int:
        """
        0 for what ends with one test, up to 4 for what ends with the session.
        """
        return _RANK[self.scope]

    def __repr__(self) -> str:
        return f"<Tenure of {self.owner}{', over' if self.is_over else ''}>"
