"""
What a fault is: a frozen description that can be given to any number of routes, and plays on one exchange at a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hermetic.world.http.errors import BadFaultError

if TYPE_CHECKING:
    from hermetic.world.http.outlet import Outlet
    from hermetic.world.http.reply import Reply
    from hermetic.world.http.request import Request

Phase = Literal["listen", "accept", "tls", "reply"]
Play = Callable[["Outlet", "Reply"], Awaitable[None]]
End = Literal["fin", "rst"]
ENDS: tuple[End, ...] = ("fin", "rst")


class Sender:
    """
    An answer that writes by itself: a fault, a proxy's, a recorded one.
    """

    is_fault: ClassVar[bool] = False

    @property
    def label(self) -> str:
        return type(self).__name__.lower()

    async def whole(self, request: Request) -> Reply | None:  # noqa: ARG002  # for those that can
        """
        The reply as one piece, for a fault to play on; None where there is none.
        """
        return None

    async def send(self, out: Outlet, reply: Reply) -> None:
        """
        Answer the exchange in place of a plain `await out.send(reply)`.

        What is written is counted by `out`. After `out.close()` or `out.reset()` nothing more can be written.
        Cancellation (the client left, the server stops) must pass through.
        """
        await out.send(reply)


@dataclass(frozen=True, slots=True)
class Fault(Sender):
    """
    One way to fail.

    Attributes:
        name: how reports, rules and the ledger call it.
        phase: where it strikes. "listen" changes the listening socket for as long as a rule is in force, "accept"
            and "tls" strike new connections, "reply" one request.
        play: for "reply": answers the exchange in place of `await out.send(reply)`. It may write what it likes;
            after `out.close()` or `out.reset()` nothing more. Cancellation must pass through.
        how: for the other phases, which of the ways there are.
        settings: what it was made with, for reports.
    """

    is_fault: ClassVar[bool] = True

    name: str
    play: Play | None = field(default=None, repr=False)
    phase: Phase = "reply"
    how: str = ""
    settings: tuple[tuple[str, Any], ...] = ()

    @property
    def label(self) -> str:
        return self.name

    async def send(self, out: Outlet, reply: Reply) -> None:
        await (out.send(reply) if self.play is None else self.play(out, reply))

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.settings)})"


def count(value: int, *, fault: str, name: str, least: int | None = 0, most: int | None = None) -> int:
    """
    Raises:
        BadFaultError: not a whole number in its range; None is no bound.
    """
    given: Any = value
    is_whole = isinstance(given, int) and not isinstance(given, bool)
    if not is_whole or (least is not None and given < least) or (most is not None and given > most):
        lower, upper = "" if least is None else f" from {least}", "" if most is None else f" to {most}"
        raise BadFaultError(what=f"{fault}({name}={value!r})", why=f"give a whole number{lower}{upper}")
    return value


def choice(value: str, options: tuple[str, ...], *, fault: str, name: str) -> str:
    """
    Raises:
        BadFaultError: none of the options.
    """
    if value not in options:
        raise BadFaultError(what=f"{fault}({name}={value!r})", why=f"choose from {', '.join(options)}")
    return value


def seconds(value: float, *, fault: str, name: str) -> float:
    """
    Raises:
        BadFaultError: not positive and finite.
    """
    given: Any = value
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < float("inf"):
        raise BadFaultError(what=f"{fault}({name}={value!r})", why="give a number above 0")
    return float(value)
