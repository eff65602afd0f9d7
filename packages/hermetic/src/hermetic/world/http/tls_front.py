"""
The first moments of an encrypted connection: before the handshake, when faults can still come between.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from hermetic.world.http.protocol import Connection

if TYPE_CHECKING:
    import ssl

    from hermetic.world.http.core import Core


class _Encrypted(Connection):
    """
    What the client sends together with the end of its handshake is delivered before `start_tls` returns: it is kept
    until there is an encrypted transport to answer on.
    """

    def __init__(self, core: Core) -> None:
        super().__init__(core, is_tls=True)
        self._early: list[bytes] | None = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        early, self._early = self._early or [], None
        super().connection_made(transport)
        for data in early:
            super().data_received(data)

    def data_received(self, data: bytes) -> None:
        if self._early is None:
            super().data_received(data)
        else:
            self._early.append(data)


class TLSFront(asyncio.Protocol):
    """
    Holds a fresh connection unread, then hands it to TLS with a `Connection` on top.
    """

    def __init__(self, core: Core, context: ssl.SSLContext) -> None:
        self._core = core
        self._context = context
        self._connection = _Encrypted(core)
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)
        stream.pause_reading()
        # Known to the core from now on, so that a stop in the middle of a handshake resets it too.
        self._connection.transport = stream
        self._core.connections.add(self._connection)
        self._task = asyncio.get_running_loop().create_task(self._shake_hands(stream))

    async def _shake_hands(self, stream: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        connection = self._connection
        try:
            encrypted = await loop.start_tls(stream, connection, self._context, server_side=True)
        except (OSError, asyncio.CancelledError):
            # ssl.SSLError is an OSError: a client that does not trust us, or does not speak TLS.
            stream.abort()
            self._core.closed(connection)
        else:
            if encrypted is not None:
                connection.connection_made(encrypted)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        # Only before the hand-over; afterwards TLS reports to the connection.
        self._core.closed(self._connection)
