"""
How long a server takes, in the three parts that a client's timeouts tell apart.

    connect      from the accepted connection until the server reads from it or begins its TLS handshake. The
                 kernel completes the TCP handshake by itself, so a client's connect timeout sees this part only over
                 TLS; a plain client sees it as part of the first byte. `faults` has the black hole for the rest.
    first_byte   from the whole request until the status line is written.
    body         from the status line until the last byte of the body, spread evenly over the body's pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermetic.world.http.distributions import as_distribution

if TYPE_CHECKING:
    from hermetic.world.http.ports import Distribution, Draw

PHASES = ("connect", "first_byte", "body")


@dataclass(frozen=True, slots=True)
class Latency:
    """
    A distribution a part; None costs nothing and draws nothing.
    """

    connect: Distribution | None = None
    first_byte: Distribution | None = None
    body: Distribution | None = None

    def plan(self, draw: Draw, phase: str, *, factor: float = 1.0, extra_s: float = 0.0) -> float:
        """
        The seconds that `phase` takes for this request; the factor and the extra come from a shape.
        """
        distribution: Distribution | None = getattr(self, phase)
        if distribution is None and extra_s == 0.0:
            return 0.0
        return draw.seconds(f"latency.{phase}", distribution or _NONE, factor=factor, extra_s=extra_s)

    def __str__(self) -> str:
        parts = [f"{phase}={getattr(self, phase)}" for phase in PHASES if getattr(self, phase) is not None]
        return f"latency({', '.join(parts)})"


def latency(
    first_byte: float | Distribution | None = None,
    *,
    connect: float | Distribution | None = None,
    body: float | Distribution | None = None,
) -> Latency:
    """
    Latency by parts. A number is a constant in seconds.

    Raises:
        BoundsError: a number is negative or not finite.
    """
    return Latency(
        connect=None if connect is None else as_distribution(connect),
        first_byte=None if first_byte is None else as_distribution(first_byte),
        body=None if body is None else as_distribution(body),
    )


_NONE = as_distribution(0.0)
