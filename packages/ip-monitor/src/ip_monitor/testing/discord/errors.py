"""
What the double says to a test that does something that Discord would not let a user do, or that found a fault.

    DoubleError
    ├── NotOfferedError    a command, button or field that this user does not see
    ├── WrongInputError    a value that the user's client refuses before it sends anything
    ├── NothingHappenedError (TimeoutError)   what was waited for did not come
    └── ViolationError (AssertionError)       the bot or the double broke Discord's rules
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from ip_monitor.testing.discord.violations import Violation


class DoubleError(IPMonitorError):
    """
    Base of what the Discord double raises.
    """


@dataclass(eq=False)
class NotOfferedError(DoubleError):
    """
    Attributes:
        wanted: what the test asked for.
        offered: what Discord would show instead.
    """

    wanted: str
    offered: tuple[str, ...] = ()

    def __str__(self) -> str:
        seen = ", ".join(self.offered) or "nothing"
        return (
            f"{self.wanted} is not offered to this user here; what is: {seen}. "
            "Check that the bot has synchronised its commands and what they require, or pass forced=True to send it "
            "all the same, as a changed client could."
        )


@dataclass(eq=False)
class WrongInputError(DoubleError, ValueError):
    """
    Attributes:
        what: the value in question.
        why: the rule that it breaks.
    """

    what: str
    why: str

    def __str__(self) -> str:
        return f"a Discord client would not send {self.what}: {self.why}."


@dataclass(eq=False)
class NothingHappenedError(DoubleError, TimeoutError):
    """
    Attributes:
        awaited: what was waited for.
        waited_s: how long, seconds.
        seen: the last requests of the bot, oldest first.
    """

    awaited: str
    waited_s: float
    seen: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        last = "; ".join(self.seen) or "none"
        return f"{self.awaited} did not happen within {self.waited_s:g} s. The bot's last requests: {last}."


@dataclass(eq=False)
class ViolationError(DoubleError, AssertionError):
    """
    Attributes:
        violations: what broke which rule, in order.
    """

    violations: tuple[Violation, ...]

    def __str__(self) -> str:
        lines = "\n".join(f"  {violation}" for violation in self.violations)
        return (
            f"{len(self.violations)} violations of Discord's rules:\n{lines}\n"
            "Mend the bot, or take those that the test provokes with double.take_violations()."
        )
