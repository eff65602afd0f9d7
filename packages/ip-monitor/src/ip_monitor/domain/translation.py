"""
What lies between this machine and its public address: nothing, one translation, or several, as far as evidence goes.

The evidence is the address that this machine sends from, the outer address of its router where the router tells it, and
the public address. A public address of the machine's own is no translation. An address of 100.64.0.0/10 on either is a
carrier-grade one (RFC 6598). A router whose outer address is private is itself behind another (double NAT). A router whose
outer address is public but not the one the world sees has another way out behind it. Without the router's word one
translation cannot be told from two, and that is said.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ip_monitor.domain.addresses import is_same_line, special_range_of

if TYPE_CHECKING:
    from ip_monitor.domain.addresses import Address

SHARED = ipaddress.IPv4Network("100.64.0.0/10")


class TranslationKind(StrEnum):
    """
    What is between.
    """

    NONE = "none"
    SINGLE = "nat"
    DOUBLE = "double_nat"
    CARRIER = "carrier_grade_nat"
    SOME = "some_nat"  # at least one; the router does not tell
    ELSEWHERE = "other_way_out"  # a VPN or another line: neither end has the address the world sees
    UNKNOWN = "unknown"

    @property
    def is_remarkable(self) -> bool:
        """
        Whether people who want to be reached from outside should hear of it.
        """
        return self in {TranslationKind.DOUBLE, TranslationKind.CARRIER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """
    Attributes:
        local: what this machine sends from; None without a route.
        router: the outer address of its router; None where the router does not tell.
        reason: one sentence for people.
    """

    kind: TranslationKind
    local: Address | None
    router: Address | None
    reason: str


def judge_translation(public: Address | None, *, local: Address | None, router: Address | None) -> Translation:
    """
    What the evidence comes to. All three are of one family.
    """
    kind, reason = _judge(public, local, router)
    return Translation(kind=kind, local=local, router=router, reason=reason)


def _judge(public: Address | None, local: Address | None, router: Address | None) -> tuple[TranslationKind, str]:
    if public is None or local is None:
        return TranslationKind.UNKNOWN, "the public address or the machine's own is not known"
    if is_same_line(local, public):
        return TranslationKind.NONE, "the machine itself has the public address"
    if special_range_of(local) is None:
        return TranslationKind.ELSEWHERE, f"the machine sends from {local}, and the world sees {public}"
    return _behind(public, local, router)


def _behind(public: Address, local: Address, router: Address | None) -> tuple[TranslationKind, str]:
    """
    Of a machine that is behind something.
    """
    for owner, address in (("this machine", local), ("the router", router)):
        if address is not None and address in SHARED:
            return TranslationKind.CARRIER, f"{owner} has {address}, of the range that providers share (RFC 6598)"
    if router is None:
        return TranslationKind.SOME, f"the machine sends from {local}; its router does not tell its outer address"
    if router == public:
        return TranslationKind.SINGLE, f"the router has {router}, and translates once"
    if special_range_of(router) is not None:
        return TranslationKind.DOUBLE, f"the router's outer address is {router}, so another router is behind it"
    return TranslationKind.ELSEWHERE, f"the router has {router}, and the world sees {public}"
