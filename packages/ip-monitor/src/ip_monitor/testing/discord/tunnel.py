"""
An HTTP proxy that knows the way to the double and nowhere else, for bots that run as a process of their own.

Source: RFC 9110, 9.3.6 (CONNECT).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from hermetic.world.http.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.testing.discord.site import Site

_HEAD_MOST_BYTES = 16_384


class Tunnel:
    """
    Attributes:
        refused: hosts that were asked for and are not Discord's.
    """

    def __init__(self, sites: Sequence[Site]) -> None:
        self.refused: list[str] = []
        self._sites = sites
        self._open: set[asyncio.Transport] = set()
        self._listener = Listener(
            server="the way to Discord", hosts=("127.0.0.1",), port=0, unix=None, factory=lambda: _Asking(self)
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}"

    def start(self) -> None:
        self._listener.open()

    async def stop(self) -> None:
        self._listener.close()
        await self._listener.settled()
        for transport in tuple(self._open):
            transport.abort()
        await asyncio.sleep(0)

    def connected(self, transport: asyncio.Transport) -> None:
        self._open.add(transport)

    def lost(self, transport: asyncio.Transport) -> None:
        self._open.discard(transport)

    def asked(self, head: bytes, transport: asyncio.Transport) -> None:
        """
        Answer a CONNECT; on success the connection is the site's from then on.
        """
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split()
        host = words[1].rpartition(":")[0] if len(words) == 3 and words[0] == "CONNECT" else ""
        site = next((site for site in self._sites if site.serves(host)), None)
        if site is None:
            self.refused.append(host or head[:60].decode("latin-1"))
            _refuse(transport, "403 Forbidden")
        elif site.is_reachable:
            transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._open.discard(transport)
            site.take_over(transport)
        elif not site.is_swallowing:
            _refuse(transport, "502 Bad Gateway")
        # Into a black hole: no answer at all.


def _refuse(transport: asyncio.Transport, status: str) -> None:
    transport.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    transport.close()


class _Asking(asyncio.Protocol):
    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel
        self._head = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._tunnel.connected(self._transport)

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self._transport is None:
            return
        if b"\r\n\r\n" in self._head:
            self._tunnel.asked(bytes(self._head), self._transport)
        elif len(self._head) > _HEAD_MOST_BYTES:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if self._transport is not None:
            self._tunnel.lost(self._transport)
