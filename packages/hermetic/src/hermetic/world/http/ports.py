"""
What the server asks of its parts: chance (draws, latency, queues, rate limits) on one side, the wire on the other.

One request passes through these steps, in this order, on the server's own loop and never on another thread:

    accepted    connection faults (refuse, cut, TLS); `Delays.connect` before anything is read or a handshake answered
    parsed      a `RequestFacts` with its whole body
    matched     the first route that takes it; the call is recorded, counters and sequences advance *here*
    drawn       `Draws.draw_for` names the request once; everything random below is a pure function of that `Draw`
    admitted    each `Gate` (rate limit, then queue) may add waiting, add headers, or refuse with another reply
    delayed     `Delays.first_byte` on top of the gate's waiting
    sent        the reply, or the fault that was drawn instead; `Delays.body` spreads the body over its time
    recorded    one ledger event to the `Sink`, whatever became of the request

So what was decided depends on which requests came, never on how long the replies took.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.world.http.reply import Reply


_T = TypeVar("_T", bool, int, float, str)


class RequestFacts(Protocol):
    """
    What gates and draws may look at in a request. Header names are matched without regard to case.
    """

    @property
    def method(self) -> str: ...

    @property
    def target(self) -> str:
        """
        The request target as it was sent: path and query, undecoded.
        """
        ...

    @property
    def path(self) -> str: ...

    @property
    def body(self) -> bytes: ...

    @property
    def client(self) -> str | None:
        """
        The label the client gave itself (header `Hermetic-Client`), or None.
        """
        ...

    def header(self, name: str, default: str | None = None) -> str | None: ...


class Draw(Protocol):
    """
    All the randomness of one request. The same (purpose, index) gives the same value however often it is asked.
    """

    @property
    def nth(self) -> int:
        """
        Which request of its kind (server, route, client label or fingerprint) this is, from 0.
        """
        ...

    def uniform(self, purpose: str, index: int = 0) -> float:
        """
        A number in [0, 1) for `purpose` ("latency.first_byte", "fault:reset", …). It is not written to the ledger:
        take it for what follows from a decision (where to cut), and take decisions by the methods below, so that
        an explicit schedule can replace them.
        """
        ...

    def happens(self, purpose: str, rate: float) -> bool:
        """
        Whether something of probability `rate` happens: never at 0, always at 1. Written to the ledger.

        Raises:
            BoundsError: the rate is not in [0, 1].
        """
        ...

    def seconds(self, purpose: str, distribution: Distribution, *, factor: float = 1.0, extra_s: float = 0.0) -> float:
        """
        A duration from `distribution`, times `factor`, plus `extra_s`, never negative. Written to the ledger.
        """
        ...

    def pick(self, purpose: str, options: Sequence[str]) -> str:
        """
        One of `options`, each as likely as the others; "" under a schedule that says nothing. Written to the ledger.
        """
        ...

    def verdict(self, purpose: str, asked: str, compute: Callable[[], _T], *, nothing: _T) -> _T:
        """
        What `compute` says of the circumstances (a full queue), or the schedule in its place. Written to the ledger.
        """
        ...


class Draws(Protocol):
    """
    Where draws come from: one a server, seeded. Called in the order in which requests were matched.
    """

    @property
    def seed(self) -> int: ...

    def draw_for(self, request: RequestFacts, *, route: str) -> Draw: ...


class Distribution(Protocol):
    """
    A length of time, drawn. Also what a plain number given as a delay becomes.
    """

    def sample(self, draw: Draw, purpose: str) -> float:
        """
        Seconds, finite and not negative.
        """
        ...


class Shape(Protocol):
    """
    How a delay changes over the life of a server: warm-up, ramp, brown-out, pause, outage.
    """

    def apply(self, delay_s: float, *, elapsed_s: float, nth: int) -> float:
        """
        The delay in seconds that holds `elapsed_s` seconds after the server's start, for its `nth` request from 0.
        """
        ...


@dataclass(frozen=True, slots=True)
class Admitted:
    """
    The request goes on: after `wait_s` more seconds, with `headers` added to whatever is replied.
    """

    wait_s: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """
    The request is turned away with `reply`, by the gate and rule that `reason` names for the ledger.
    """

    reply: Reply
    reason: str
    wait_s: float = 0.0


class Gate(Protocol):
    """
    Decides at once, from the arrival time alone, whether a request goes on: a rate limit or a queue.
    """

    def enter(self, request: RequestFacts, *, at_s: float, draw: Draw) -> Admitted | Refused:
        """
        Count the request. `at_s` is the server's `Clock.monotonic()` in seconds and never goes back.
        """
        ...
