"""
What a ballot comes to.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ip_monitor.domain.addresses import Address


class VerdictKind(StrEnum):
    """
    The kinds of verdict. Only `FIRST` and `CHANGED` can lead to an announcement, and only once confirmed.
    """

    FIRST = "first"  # an address is known for the first time
    STABLE = "stable"
    CHANGED = "changed"
    DISPUTED = "disputed"
    OFFLINE = "offline"
    CAPTIVE = "captive"
    MULTI_EGRESS = "multi_egress"

    @property
    def is_known(self) -> bool:
        """
        Whether there is one address to name.
        """
        return self in {VerdictKind.FIRST, VerdictKind.STABLE, VerdictKind.CHANGED}

    @property
    def is_new(self) -> bool:
        return self in {VerdictKind.FIRST, VerdictKind.CHANGED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    One family's verdict.

    Attributes:
        address: the address the verdict names; None unless `kind.is_known`.
        addresses: every address that got a vote, strongest first.
        operators: who voted for `address`, in alphabetical order.
        support: weight behind `address`.
        total: weight of all enabled operators of the family, the silent ones included.
        is_decisive: whether `address` has the majority that a change needs. A `STABLE` verdict without it
            means that nobody contradicted the known address, but too few answered to prove it.
        reason: one sentence for people.
    """

    kind: VerdictKind
    address: Address | None
    addresses: tuple[Address, ...]
    operators: tuple[str, ...]
    support: float
    total: float
    is_decisive: bool
    reason: str


# What a person must hear first comes first; among the families of one check the first kind present is the whole
# check's kind. A family without a connection does not hide that the other one is known.
_PRECEDENCE = (
    VerdictKind.DISPUTED,
    VerdictKind.MULTI_EGRESS,
    VerdictKind.CHANGED,
    VerdictKind.FIRST,
    VerdictKind.STABLE,
    VerdictKind.CAPTIVE,
    VerdictKind.OFFLINE,
)


def overall(kinds: Iterable[VerdictKind]) -> VerdictKind:
    """
    The one kind that stands for several families; `OFFLINE` when there is none.
    """
    present = set(kinds)
    return next((kind for kind in _PRECEDENCE if kind in present), VerdictKind.OFFLINE)
