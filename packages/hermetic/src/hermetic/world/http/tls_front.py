"""
The first moments of an encrypted connection: before the handshake, when faults can still come between.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from hermetic.world.http.early_data import EarlyData
from hermetic.world.http.protocol import Connection

if TYPE_CHECKING:
    import ssl

    from hermetic.world.http.authority import Authority
    from hermetic.world.http.core import Core
    from hermetic.world.http.faults.model import Fault


class _Encrypted(EarlyData, Connection):
    """
    A connection that is handed to TLS with what the client has said by then.
    """


class TLSFront(asyncio.Protocol):
    """
    Holds a fresh connection unread, then hands it to TLS with a `Connection` on top.
    """

    def __init__(self, core: Core, authority: Authority) -> None:
        self._core = core
        self._authority = authority
        self._connection = _Encrypted(core, is_tls=True)
        self._hello: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)
        stream.pause_reading()
        # Known to the core from now on, so that a stop in the middle of a handshake resets it too.
        self._connection.transport = stream
        self._core.connections.add(self._connection)
        self._core.background(self._shake_hands(stream))

    async def _shake_hands(self, stream: asyncio.Transport) -> None:
        core, connection = self._core, self._connection
        fault, delay_s = core.fate_of_connection()
        if delay_s:
            await core.clock.sleep(delay_s)
        if stream.is_closing():
            return
        if fault is not None and (fault.phase == "accept" or fault.how.startswith("cut ")):
            await self._cut(stream, fault)
            return
        context: ssl.SSLContext = self._authority.context(fault.how if fault is not None else "good")
        try:
            encrypted = await asyncio.get_running_loop().start_tls(stream, connection, context, server_side=True)
        except OSError:
            # ssl.SSLError is an OSError: a client that does not trust us, does not speak TLS, or is gone.
            stream.abort()
            # TLS tells its connection nothing of a failed handshake. The socket is closed one turn after the abort,
            # and until then the connection counts as open, so that a stop waits for it.
            try:
                await asyncio.sleep(0)
            finally:
                core.closed(connection)
        else:
            if encrypted is not None:
                connection.connection_made(encrypted)

    async def _cut(self, stream: asyncio.Transport, fault: Fault) -> None:
        if fault.phase == "tls":
            self._hello = asyncio.get_running_loop().create_future()
            stream.resume_reading()
            await self._hello
        self._core.cut(self._connection, fault)
        if not stream.is_closing():
            stream.resume_reading()

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  # what the client said no longer matters
        if self._hello is not None and not self._hello.done():
            self._hello.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        # Only before the hand-over; afterwards TLS reports to the connection.
        if self._hello is not None and not self._hello.done():
            self._hello.cancel()
        self._core.closed(self._connection)
        self._connection.transport = None
