"""
What a source said when it was asked: an address, or why there is none, with the evidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ip_monitor.domain.addresses import Family, family_of
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from datetime import datetime

    from ip_monitor.domain.addresses import Address

EVIDENCE_LIMIT_BYTES = 4096
MAX_WEIGHT = 100.0


class Transport(StrEnum):
    """
    How a source is asked.
    """

    HTTPS = "https"
    HTTP = "http"
    DOH = "doh"
    DOT = "dot"
    DNS = "dns"
    STUN = "stun"
    INTERFACE = "interface"

    @property
    def is_web(self) -> bool:
        """
        Whether it is HTTP, in whichever dress.
        """
        return self in {Transport.HTTPS, Transport.HTTP, Transport.DOH}

    @property
    def is_proof(self) -> bool:
        """
        Whether agreement through this transport alone may decide. Plain DNS and STUN are unauthenticated single
        packets, and an interface knows nothing beyond the nearest router, so they only support what others prove.
        Plain HTTP counts, because a source may use it only when the settings say so by name.
        """
        return self in {Transport.HTTPS, Transport.HTTP, Transport.DOH, Transport.DOT}


class SourceRefusedError(IPMonitorError, ValueError):
    """
    A source whose name, operator or weight cannot be used.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """
    One way to ask one operator for the address of one family.

    Attributes:
        name: unique among all sources of a monitor, shown to people.
        operator: the company or person behind it; all sources of one operator share one vote.
        weight: of the operator's vote when it comes through this source; 0 (evidence only) to 100.

    Raises:
        SourceRefusedError: an empty name or operator, or a weight out of range.
    """

    name: str
    operator: str
    family: Family
    transport: Transport = Transport.HTTPS
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.name or not self.operator:
            raise SourceRefusedError(
                f"source {self.name!r} of operator {self.operator!r}: both need a text. Give each source a name of its own."
            )
        if not (math.isfinite(self.weight) and 0 <= self.weight <= MAX_WEIGHT):
            raise SourceRefusedError(
                f"source {self.name!r} has weight {self.weight}; give it a number from 0 to {MAX_WEIGHT:g}."
            )


class FailureKind(StrEnum):
    """
    Why a source gave no address that counts.
    """

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"  # no name, no route, refused or broken connection
    TLS = "tls"
    STATUS = "status"
    RATE_LIMITED = "rate_limited"
    REDIRECT = "redirect"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    MARKUP = "markup"  # a page where an address was expected
    MALFORMED = "malformed"
    SEVERAL = "several"
    WRONG_FAMILY = "wrong_family"
    NOT_PUBLIC = "not_public"
    RULE = "rule"  # a content rule of this source, such as "not one of the operator's own addresses"
    NOT_ASKED = "not_asked"  # its circuit breaker is open, its limit is used up, or the panel was decided before
    INTERNAL = "internal"

    @property
    def suggests_portal(self) -> bool:
        """
        Whether a captive portal answers like this: a page or a redirect in the place of the answer.
        """
        return self in {FailureKind.MARKUP, FailureKind.REDIRECT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """
    Why there is no address: the kind for rules, the detail for people, and when the source wants to be asked again.
    """

    kind: FailureKind
    detail: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    One reply as evidence. Exactly one of `address` and `failure` is set.

    Attributes:
        at: when it arrived, UTC.
        latency_s: from the question to the end of the reply, seconds.
        raw: the first 4,096 bytes of the reply as they came.
    """

    source: Source
    at: datetime
    latency_s: float
    address: Address | None = None
    failure: Failure | None = None
    raw: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if (self.address is None) == (self.failure is None):
            raise ValueError(
                f"an answer of {self.source.name!r} needs either an address or a failure, got "
                f"address={self.address} and failure={self.failure}"
            )
        if self.address is not None and family_of(self.address) is not self.source.family:
            raise ValueError(f"{self.source.name!r} is asked for {self.source.family.label}, not for {self.address}")
        if len(self.raw) > EVIDENCE_LIMIT_BYTES:
            object.__setattr__(self, "raw", self.raw[:EVIDENCE_LIMIT_BYTES])
