"""
The way of a client in the same process to the double: a resolver that knows Discord's names and no others.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from ip_monitor.testing.discord.site import Site


class DoubleResolver(AbstractResolver):
    """
    Attributes:
        refused: names that were asked for and are not Discord's.
    """

    def __init__(self, sites: Sequence[Site]) -> None:
        self.refused: list[str] = []
        self._sites = sites

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002  # the interface of aiohttp
    ) -> list[ResolveResult]:
        """
        Raises:
            OSError: the name is not one of Discord's.
        """
        for site in self._sites:
            if site.serves(host):
                return [
                    ResolveResult(
                        hostname=host,
                        host="127.0.0.1",
                        port=site.port,
                        family=socket.AF_INET,
                        proto=0,
                        flags=socket.AI_NUMERICHOST,
                    )
                ]
        self.refused.append(host)
        raise OSError(socket.EAI_NONAME, f"the Discord double does not know the host {host!r} (port {port})")

    async def close(self) -> None:
        """
        It holds nothing.
        """


def connector_to(sites: Sequence[Site], trusting: ssl.SSLContext) -> aiohttp.TCPConnector:
    """
    For `discord.Client(connector=…)`, which closes it. Each client needs its own, made inside the running loop.
    """
    return aiohttp.TCPConnector(limit=0, resolver=DoubleResolver(sites), ssl=trusting, use_dns_cache=False)
