"""
Addresses to play with, by the kind of connection that has them. All lie in ranges that are reserved for
documentation (RFC 5737, RFC 3849) or shared (RFC 6598), so that no simulation ever names somebody's real address; code
under test is told by `public_ranges` that they count as public.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from ip_monitor.domain.addresses import Address, Network

_HOST_BITS = 64
_MOST_TRIES = 1000


@dataclass(frozen=True, slots=True)
class AddressPool:
    """
    A range that a connection gets its addresses from.

    `prefix_length` is what a provider delegates: an IPv6 customer gets a new prefix and chooses the host part
    itself, so two draws differ in both. For IPv4 it is 32.
    """

    name: str
    network: Network
    prefix_length: int = 32

    def draw(self, random: Random, *, other_than: Address | None = None) -> Address:
        """
        An address of the pool that is not `other_than`, nor the network's first or last.
        """
        for _ in range(_MOST_TRIES):
            found = self._draw(random)
            if found != other_than:
                return found
        raise ValueError(f"pool {self.name} ({self.network}) has no address other than {other_than}; give it a range")

    def _draw(self, random: Random) -> Address:
        if isinstance(self.network, IPv4Network):
            return self.network[random.randrange(1, self.network.num_addresses - 1)]
        prefixes = 1 << (self.prefix_length - self.network.prefixlen)
        prefix = int(self.network.network_address) + (random.randrange(prefixes) << (128 - self.prefix_length))
        return ipaddress.IPv6Address(prefix + random.randrange(1, 1 << _HOST_BITS))

    def host_in(self, address: Address, random: Random) -> Address:
        """
        Another host part in the same prefix, as a machine with privacy addresses takes every day (RFC 8981).
        """
        if isinstance(address, ipaddress.IPv4Address):
            return address
        prefix = int(address) >> _HOST_BITS << _HOST_BITS
        return ipaddress.IPv6Address(prefix + random.randrange(1, 1 << _HOST_BITS))


RESIDENTIAL = AddressPool("residential", IPv4Network("203.0.113.0/24"))
DATA_CENTRE = AddressPool("data centre", IPv4Network("198.51.100.0/24"))
CARRIER_GRADE_NAT = AddressPool("carrier-grade NAT", IPv4Network("100.64.0.0/10"))
IPV6_PREFIX = AddressPool("IPv6 prefix", IPv6Network("2001:db8:a000::/36"), prefix_length=56)

PLAY_RANGES: tuple[Network, ...] = (RESIDENTIAL.network, DATA_CENTRE.network, IPV6_PREFIX.network)
"""
What `public_ranges` must name for these pools to count as public. Carrier-grade NAT is left out: it never is.
"""
