"""
The events a mock server writes about what it decided and what came of it: together they are the ledger.

    Decided         http.decided         one draw or computed verdict: whether, how long, which
    ExchangeEnded   http.exchange        what became of a request: fault, status, bytes, close kind, times
    ServerChanged   http.server          a server or cluster changed state (down, up, partition, heal, …)

Every event about a request carries its identity (server, route, who, nth), so that two runs can be laid side by
side whatever order the requests came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from hermetic.foundation.events import Event

Outcome: TypeAlias = bool | int | float | str
"""
What a decision can come to; all of them JSON values. False, 0, 0.0 and "" mean that nothing was done.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEvent(Event):
    """
    Something about one request, named by its identity.

    `who` is the client's label as "@label", or the request's fingerprint; `nth` counts from 0 among the requests
    of that `who` to that route.
    """

    kind: ClassVar[str] = "http.request_event"

    server: str
    route: str
    who: str
    nth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(RequestEvent):
    """
    One decision. `purpose` tells the decisions of one request apart ("latency.first_byte", "fault:reset");
    `asked` is what was decided upon, as text ("rate 0.2", "lognormal(median=0.02, p99=0.2)").
    """

    kind: ClassVar[str] = "http.decided"

    purpose: str
    asked: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeEnded(RequestEvent):
    """
    A request and its reply are over, whatever became of them.

    Attributes:
        outcome: replied, faulted, refused, client gone, stopped or handler failed.
        status: what was replied; None when no status line was sent.
        fault: name of the fault that was applied, or None.
        refused_by: the gate and rule that turned the request away, or None.
        received_bytes: head and body as they came.
        sent_bytes: everything written for this request.
        close: how the connection was left: kept, fin, rst, half (our side only) or peer (the client closed).
        planned_s: seconds that the reply was to be held back by latency, queues and pauses, from match.
        first_byte_s: seconds from match to the first byte of the reply; None when none was sent.
        ended_s: seconds from match to the end.
    """

    kind: ClassVar[str] = "http.exchange"

    method: str
    target: str
    outcome: str
    status: int | None
    fault: str | None
    refused_by: str | None
    received_bytes: int
    sent_bytes: int
    close: str
    planned_s: float
    first_byte_s: float | None
    ended_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChanged(Event):
    """
    A server or a cluster was changed from outside. `detail` says towards whom, or how.
    """

    kind: ClassVar[str] = "http.server"

    server: str
    change: str
    detail: str = ""
