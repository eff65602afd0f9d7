"""
Which addresses are public: our own table, because `ipaddress.is_global` changes between patch releases of Python
and calls multicast, 6to4 and `3fff::/20` global.

For IPv4 everything is public that no row of the table covers. For IPv6 only `2000::/3` can be public, and rows of the
table cut pieces out of it. The most specific row that covers an address names the reason.

Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates), IANA IPv6 Address Space.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

from ip_monitor.errors import IPMonitorError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" is the longest text of one address.
_LONGEST_TEXT = 45
_SHOWN_TEXT = 60


class Family(IntEnum):
    """
    The two families, each decided by its own ballot. The value is the IP version.
    """

    V4 = 4
    V6 = 6

    @property
    def label(self) -> str:
        return f"IPv{self.value}"


def family_of(address: Address) -> Family:
    return Family(address.version)


HOST_BITS_V6 = 64
"""
The part of an IPv6 address that a machine chooses by itself, and with privacy addresses anew every day. Source: RFC
4291 section 2.5.4, RFC 8981.
"""


def network_key(address: Address) -> int:
    """
    Equal for addresses that name the same line: an IPv4 address is one, and of IPv6 only the prefix of 64 bits counts,
    because the rest is the machine's own choice.
    """
    return int(address) if address.version == 4 else int(address) >> HOST_BITS_V6


def is_same_line(one: Address | None, other: Address | None) -> bool:
    """
    Whether both name the same line; two that are None do.
    """
    if one is None or other is None:
        return one is other
    return one.version == other.version and network_key(one) == network_key(other)


class AddressRefusedError(IPMonitorError, ValueError):
    """
    A text that is not an acceptable public address.

    Attributes:
        text: what came in, cut to 60 characters.
        reason: what is wrong with it; for a range, the range, its name and its RFC.
        is_well_formed: True when it is an address of the wanted family that is merely not public.
    """

    def __init__(self, text: str, reason: str, *, is_well_formed: bool = False) -> None:
        self.text = text if len(text) <= _SHOWN_TEXT else text[:_SHOWN_TEXT] + "…"
        self.reason = reason
        self.is_well_formed = is_well_formed
        super().__init__(f"{self.text!r} is no public address: {reason}")


@dataclass(frozen=True, slots=True)
class SpecialRange:
    """
    A range whose addresses are never the public address of a host.
    """

    network: Network
    name: str
    rfc: str

    def __str__(self) -> str:
        return f"{self.network}, {self.name} ({self.rfc})"


_ROWS = (
    ("0.0.0.0/8", "this network", "RFC 791"),
    ("10.0.0.0/8", "private use", "RFC 1918"),
    ("100.64.0.0/10", "shared by carrier-grade NAT", "RFC 6598"),
    ("127.0.0.0/8", "loopback", "RFC 1122"),
    ("169.254.0.0/16", "link-local", "RFC 3927"),
    ("172.16.0.0/12", "private use", "RFC 1918"),
    ("192.0.0.0/24", "protocol assignments", "RFC 6890"),
    ("192.0.2.0/24", "documentation", "RFC 5737"),
    ("192.31.196.0/24", "AS112 name servers", "RFC 7535"),
    ("192.52.193.0/24", "multicast tunnelling relays", "RFC 7450"),
    ("192.88.99.0/24", "former 6to4 relays", "RFC 7526"),
    ("192.168.0.0/16", "private use", "RFC 1918"),
    ("192.175.48.0/24", "AS112 name servers", "RFC 7534"),
    ("198.18.0.0/15", "benchmarking", "RFC 2544"),
    ("198.51.100.0/24", "documentation", "RFC 5737"),
    ("203.0.113.0/24", "documentation", "RFC 5737"),
    ("224.0.0.0/4", "multicast", "RFC 5771"),
    ("240.0.0.0/4", "reserved", "RFC 1112"),
    ("255.255.255.255/32", "limited broadcast", "RFC 919"),
    # `::/0` is what remains: only 2000::/3 is allocated for global unicast, and that row is taken out below.
    ("::/0", "not allocated for global unicast", "RFC 4291"),
    ("::/128", "unspecified", "RFC 4291"),
    ("::1/128", "loopback", "RFC 4291"),
    ("::ffff:0:0/96", "IPv4-mapped", "RFC 4291"),
    ("64:ff9b::/96", "IPv4 translation", "RFC 6052"),
    ("64:ff9b:1::/48", "local IPv4 translation", "RFC 8215"),
    ("100::/64", "discard only", "RFC 6666"),
    ("100:0:0:1::/64", "dummy prefix", "RFC 9780"),
    ("2001::/23", "protocol assignments", "RFC 2928"),
    ("2001::/32", "Teredo", "RFC 4380"),
    ("2001:2::/48", "benchmarking", "RFC 5180"),
    ("2001:10::/28", "former ORCHID", "RFC 4843"),
    ("2001:20::/28", "ORCHIDv2", "RFC 7343"),
    ("2001:30::/28", "drone identifiers", "RFC 9374"),
    ("2001:db8::/32", "documentation", "RFC 3849"),
    ("2002::/16", "6to4", "RFC 7526"),
    ("2620:4f:8000::/48", "AS112 name servers", "RFC 7534"),
    ("3fff::/20", "documentation", "RFC 9637"),
    ("5f00::/16", "segment routing", "RFC 9602"),
    ("fc00::/7", "unique local", "RFC 4193"),
    ("fe80::/10", "link-local", "RFC 4291"),
    ("fec0::/10", "former site-local", "RFC 3879"),
    ("ff00::/8", "multicast", "RFC 4291"),
)
# The most specific row first, so that the first row that covers an address is the one to name.
SPECIAL_RANGES = tuple(
    sorted(
        (SpecialRange(ipaddress.ip_network(network), name, rfc) for network, name, rfc in _ROWS),
        key=lambda row: -row.network.prefixlen,
    )
)
GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")


def special_range_of(address: Address) -> SpecialRange | None:
    """
    The most specific special range that covers `address`, or None for a public one.
    """
    for row in SPECIAL_RANGES:
        if address in row.network:
            if row.network.prefixlen < GLOBAL_UNICAST_V6.prefixlen and address in GLOBAL_UNICAST_V6:
                return None
            return row
    return None


def parse(text: str, family: Family) -> Address:
    """
    The address that `text` writes, with surrounding white space allowed and nothing else.

    Zone identifiers, prefixes, leading zeros, several addresses and the other family are refused.

    Raises:
        AddressRefusedError: `text` is not exactly one address of `family`.
    """
    stripped = text.strip(" \t\r\n")
    if not stripped:
        raise AddressRefusedError(text, "it is empty")
    if len(stripped) > _LONGEST_TEXT or "%" in stripped or not stripped.isascii():
        raise AddressRefusedError(text, "it is not the text of one address")
    try:
        address = ipaddress.ip_address(stripped)
    except ValueError as error:
        raise AddressRefusedError(text, "it is not the text of one address") from error
    if address.version != family.value:
        raise AddressRefusedError(text, f"it is IPv{address.version} where {family.label} was asked for")
    return address


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """
    What "public" means here.

    Args:
        public_ranges: ranges that count as public although the table says otherwise: how a laboratory or a
            corporate network names its own. Ranges only widen; they never exclude.
    """

    public_ranges: tuple[Network, ...] = field(default=())

    def refusal(self, address: Address) -> str | None:
        """
        Why `address` is no public address, naming the range and its RFC; None when it is one.
        """
        row = special_range_of(address)
        if row is None or any(address in network for network in self.public_ranges):
            return None
        return f"it is in {row}"

    def accept(self, text: str, family: Family) -> Address:
        """
        The public address that `text` writes.

        Raises:
            AddressRefusedError: not one address, of the other family, or not public.
        """
        address = parse(text, family)
        reason = self.refusal(address)
        if reason is not None:
            raise AddressRefusedError(text, reason, is_well_formed=True)
        return address
