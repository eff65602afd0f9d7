"""
The address that this machine itself would send from, as evidence.

A machine that has its public address on an interface needs no reply to know it; behind a router it is a private
address, and behind a provider's own translation one of 100.64.0.0/10. Nothing is sent: connecting a UDP socket only makes
the kernel choose a route and a source address (connect(2)).
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from ip_monitor.adapters.providers.asking import AskingProvider
from ip_monitor.adapters.providers.client import ADDRESS_FAMILIES
from ip_monitor.adapters.providers.replies import accept
from ip_monitor.adapters.providers.via import bind
from ip_monitor.domain.addresses import Family

if TYPE_CHECKING:
    from ip_monitor.domain.addresses import Address
    from ip_monitor.domain.way_out import WayOut

# Any address beyond the default route serves; these are of the root name server k.root-servers.net.
_FAR_AWAY = {Family.V4: "193.0.14.129", Family.V6: "2001:7fd::1"}


def local_address(family: Family, *, towards: str | None = None, via: WayOut | None = None) -> str:
    """
    The source address that the kernel chooses for `towards`.

    Raises:
        OSError: there is no route, or no such way out.
    """
    with socket.socket(ADDRESS_FAMILIES[family], socket.SOCK_DGRAM) as probe:
        if via is not None:
            bind(probe, via)
        probe.connect((towards or _FAR_AWAY[family], 53))
        return str(probe.getsockname()[0])


class InterfaceProvider(AskingProvider):
    """
    Reads this machine's own source address. The host of the URL, when it is an address, is what it would send towards.
    """

    async def _exchange(self, raw: bytearray) -> Address:
        literal = self._spec.literal_address
        towards = None if literal is None else str(literal)
        text = local_address(self._spec.family, towards=towards, via=self._client.via)
        raw += text.encode()
        return accept(text, self._spec, self._client.policy)
