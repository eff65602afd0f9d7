"""
What a fault is: a frozen description that can be given to any number of routes, and plays on one exchange at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from hermetic.world.http.outlet import Outlet
    from hermetic.world.http.reply import Reply

Phase = Literal["listen", "accept", "tls", "reply"]


class Fault:
    """
    Base of all faults. Subclasses are frozen dataclasses.

    `name` is how reports and the ledger call it. `phase` is where it strikes: "listen" changes the listening socket
    for as long as it is set, "accept" and "tls" strike a new connection, "reply" one request.
    """

    name: ClassVar[str] = "fault"
    phase: ClassVar[Phase] = "reply"
    # Some answers write by themselves without being a fault: a proxy's, a recorded one's.
    is_fault: ClassVar[bool] = True

    async def send(self, out: Outlet, reply: Reply) -> None:
        """
        Answer the exchange in place of a plain `await out.send(reply)`.

        What is written is counted by `out`. After `out.close()`, `out.reset()` or `out.half_close()` nothing more
        can be written. Cancellation (the client left, the server stops) must pass through.
        """
        await out.send(reply)
