"""
What a stop found: an account of everything that was still going on.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """
    A request that was not finished when the server stopped.
    """

    route: str
    request: str
    age_s: float
    sent_bytes: int
    fault: str | None

    def __str__(self) -> str:
        fault = f", fault {self.fault}" if self.fault else ""
        return f"{self.request} on route {self.route}: {self.age_s:.3f} s old, {self.sent_bytes} bytes sent{fault}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swallowed:
    """
    A handler that went on after it was cancelled. `where` is the line at which it waited then; `is_ended` tells
    whether it could be ended by force.
    """

    route: str
    where: str
    is_ended: bool

    def __str__(self) -> str:
        end = "ended by force" if self.is_ended else "still there"
        return f"the handler of {self.route} swallowed its cancellation at {self.where} ({end})"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopReport:
    """
    Attributes:
        server: its name.
        took_s: how long the stop took.
        connections: how many were open and have been reset.
        in_flight: the requests that were cut off.
        swallowed: handlers that did not end when told.
        blocked_at: where the server's thread was blocked when it did not answer, None when it did.
    """

    server: str
    took_s: float = 0.0
    connections: int = 0
    in_flight: tuple[InFlight, ...] = ()
    swallowed: tuple[Swallowed, ...] = field(default=())
    blocked_at: str | None = None

    @property
    def is_clean(self) -> bool:
        """
        Nothing was cut off and nothing resisted.
        """
        return not self.in_flight and not self.swallowed and self.blocked_at is None

    def __str__(self) -> str:
        took = f"{self.took_s * 1000:.1f} ms"
        counts = f"{self.connections} connections reset, {len(self.in_flight)} requests in flight"
        lines = [f"server {self.server!r} stopped in {took}: {counts}"]
        lines += [f"  {one}" for one in (*self.in_flight, *self.swallowed)]
        if self.blocked_at is not None:
            lines.append(
                f"  the server's thread is blocked at {self.blocked_at}; its sockets were shut down from outside"
            )
        return "\n".join(lines)
