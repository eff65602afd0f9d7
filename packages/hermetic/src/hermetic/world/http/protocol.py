"""
One connection: bytes in, requests out, replies back in the order of the requests.

Parsing is llhttp's through httptools; what it leaves to the server is here: Host, Expect, limits, pipelining,
back-pressure both ways, half-closed clients. Requests of one connection are served one after the other, as
HTTP/1.1 demands of the replies (RFC 9112, 9.3.2); further requests wait, and when too many wait the server stops
reading.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, Protocol, cast

import httptools

from hermetic.world.http import wire
from hermetic.world.http.request import Request
from hermetic.world.http.send_queue import unsent_bytes

if TYPE_CHECKING:
    from hermetic.world.http.limits import Limits

# More pipelined requests than this wait in the kernel, not here.
PIPELINED = 64
# SO_LINGER on with 0 seconds: close() sends RST and drops what is unsent. Source: socket(7), Linux; the
# ABORT call of RFC 9293, 3.10.5.
_RESET = struct.pack("ii", 1, 0)
# How long a refused client is read from before the connection is dropped.
LINGER_S = 1.0


class Pending(Protocol):
    """
    A request being served, as its connection sees it.
    """

    def client_left(self) -> None: ...


class Dispatcher(Protocol):
    """
    The server as a connection sees it.
    """

    limits: Limits
    half_close: bool
    keep_alive_s: float | None

    def next_connection(self) -> int: ...

    def opened(self, connection: Connection) -> bool:
        """
        Take note of it; False when an accept fault has taken the connection over.
        """
        ...

    def closed(self, connection: Connection) -> None: ...

    def begin(self, connection: Connection, request: Request) -> Pending | None:
        """
        Serve; None when it is already done.
        """
        ...

    def reject(self, connection: Connection, *, status: int, why: str) -> None: ...


class Connection(asyncio.Protocol):
    """
    Lives on the server's loop only. `transport` is None before and after.
    """

    def __init__(self, server: Dispatcher, *, is_tls: bool = False) -> None:
        self.server = server
        self.is_tls = is_tls
        self.transport: asyncio.Transport | None = None
        self.number = 0
        self.peer = ""
        self.served = 0
        self.current: Pending | None = None
        self.is_lost = False
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Request | tuple[int, str]] = deque()
        self._is_reading = True
        self._is_write_paused = False
        self._drained: asyncio.Future[None] | None = None
        self._closing = False
        self._eof = False
        self._refused = False
        self._idle: asyncio.TimerHandle | None = None
        self._begin_message()

    # ------------------------------------------------------------ asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.number = self.number or self.server.next_connection()
        peer = transport.get_extra_info("peername")
        self.peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else str(peer or "")
        if self.server.opened(self):
            self._watch_idle()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self.is_lost = True
        self._queue.clear()
        if self._idle is not None:
            self._idle.cancel()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        if self.current is not None:
            self.current.client_left()
        self.server.closed(self)
        self.transport = None

    def data_received(self, data: bytes) -> None:
        if self._refused or self._closing:
            # Read and thrown away, see close_politely.
            return
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        try:
            self._feed(data)
        except httptools.HttpParserInvalidMethodError:
            self._refuse(501, "the method is not known")
        except httptools.HttpParserCallbackError as error:
            # What our own callbacks raise is a bug here, not a bad request.
            raise error.__context__ or error from None
        except httptools.HttpParserError as error:
            self._refuse(400, str(error) or type(error).__name__)
        else:
            self._weigh_unfinished_head(len(data))
        self._advance()

    def _weigh_unfinished_head(self, received: int) -> None:
        if self._in_head:
            self._head_bytes += received
            if self._head_bytes > self.server.limits.head_bytes:
                self._refuse(431, f"the head is longer than {self.server.limits.head_bytes} bytes")

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # A server may ignore Upgrade and go on in HTTP/1.1. Source: RFC 9110, 7.8.
                data = data[upgrade.args[0] :]
                if self._upgraded_by == "CONNECT":
                    return
            else:
                return

    def eof_received(self) -> bool:
        self._eof = True
        # Without half_close a FIN means that the client has given up, as nginx takes it (status 499).
        is_busy = self.current is not None or bool(self._queue)
        return is_busy and self.server.half_close and not self.is_tls

    def pause_writing(self) -> None:
        self._is_write_paused = True

    def resume_writing(self) -> None:
        self._is_write_paused = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._advance()

    # ------------------------------------------------------------ the parser's side

    def _begin_message(self) -> None:
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._head_bytes = 0
        self._in_head = False
        self._request: Request | None = None
        self._upgraded_by = ""

    def on_message_begin(self) -> None:
        self._begin_message()
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            self._headers.append((name, value))
            self._head_bytes += len(name) + len(value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        parser = self._parser
        method = parser.get_method().decode("ascii")
        self.served += 1
        self._request = request = Request(
            method=method,
            target=self._target.decode("latin-1"),
            raw_headers=self._headers,
            version=parser.get_http_version(),
            is_tls=self.is_tls,
            peer=self.peer,
            connection=self.number,
            nth_on_connection=self.served,
        )
        self._upgraded_by = method if parser.should_upgrade() else ""
        hosts = expect = 0
        for name, value in self._headers:
            size = len(name)
            if size == 4 and name.lower() == b"host":
                hosts += 1
            elif size == 6 and name.lower() == b"expect":
                expect = 1 if value.strip().lower() == b"100-continue" else 2
        # Source: RFC 9112, 3.2 (Host) and 2.3 (version).
        if request.version not in {"1.0", "1.1"}:
            self._refuse(505, f"HTTP/{request.version} is not spoken here")
        elif hosts != 1 and (hosts > 1 or request.version == "1.1"):
            self._refuse(400, f"{hosts} Host headers where one is needed")
        elif self._head_bytes > self.server.limits.head_bytes:
            self._refuse(431, f"the head is longer than {self.server.limits.head_bytes} bytes")
        elif expect and request.version == "1.1":
            self._expected(expect)

    def _expected(self, expect: int) -> None:
        if expect == 2:
            self._refuse(417, "only 100-continue can be expected")
        elif self.current is None and not self._queue and self.transport is not None:
            # Behind other replies it would be read as theirs; such a client sends after its own time-out.
            self.transport.write(wire.CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self.server.limits.body_bytes:
            self._refuse(413, f"the body is longer than {self.server.limits.body_bytes} bytes")
        elif not self._refused:
            self._body.append(body)

    def on_message_complete(self) -> None:
        request = self._request
        if request is None or self._refused:
            return
        if self._body:
            request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        request.keep_alive = self._parser.should_keep_alive()
        request.received_bytes = self._head_bytes + self._body_bytes
        self._queue.append(request)
        self._request = None

    # ------------------------------------------------------------ serving

    def _refuse(self, status: int, why: str) -> None:
        if not self._refused:
            self._refused = True
            self._queue.append((status, why))

    def _advance(self) -> None:
        # A loop and not a recursion: one packet may carry thousands of pipelined requests.
        while self._queue and self.current is None and not self._is_write_paused and not self._closing:
            head = self._queue.popleft()
            if isinstance(head, tuple):
                self.server.reject(self, status=head[0], why=head[1])
                return
            self.current = self.server.begin(self, head)
        if self._eof and self.current is None and not self._queue:
            # A half-closed client has its last reply; nothing more can come from it.
            self.close()
        self._regulate()

    def _regulate(self) -> None:
        wanted = len(self._queue) < PIPELINED
        if wanted is not self._is_reading and self.transport is not None and not self.transport.is_closing():
            self._is_reading = wanted
            if wanted:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def finished(self) -> None:
        """
        The current exchange has ended; go on with the next request.
        """
        self.current = None
        if not self._closing:
            self._advance()
            self._watch_idle()

    def _watch_idle(self) -> None:
        limit = self.server.keep_alive_s
        if limit is not None and self.current is None and not self._closing and self._idle is None:
            self._idle = asyncio.get_running_loop().call_later(limit, self._close_idle)

    def _close_idle(self) -> None:
        if self.current is None and not self._queue:
            self.close()

    # ------------------------------------------------------------ writing

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self._closing:
            self.transport.write(data)

    async def drain(self) -> None:
        """
        Return when the client has read enough, or is gone.
        """
        if self._is_write_paused and not self.is_lost:
            self._drained = asyncio.get_running_loop().create_future()
            try:
                await self._drained
            finally:
                self._drained = None

    async def flushed(self) -> None:
        """
        Return when everything written has left the kernel, or the client is gone or has not taken it for a second.
        """
        transport = self.transport
        if transport is None:
            return
        if transport.get_write_buffer_size():
            low, high = transport.get_write_buffer_limits()
            # With limits of 0 the transport reports through resume_writing the moment its buffer is empty.
            transport.set_write_buffer_limits(high=0)
            try:
                await self.drain()
            finally:
                transport.set_write_buffer_limits(high=high, low=low)
        await self._sent(transport)

    async def _sent(self, transport: asyncio.Transport) -> None:
        # On a busy machine the kernel keeps small writes back, TCP_NODELAY or not, to send them with the next one
        # (tcp_should_autocork in net/ipv4/tcp.c): a reset would drop them.
        sock: socket.socket | None = transport.get_extra_info("socket")
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + LINGER_S
        while sock is not None and unsent_bytes(sock) and loop.time() < give_up_at:  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.0005)

    def close(self) -> None:
        """
        FIN, after everything written was sent.
        """
        self._closing = True
        if self.transport is not None:
            _close(self.transport)

    def close_politely(self) -> None:
        """
        FIN for our direction, and read on for a while: closing with unread bytes in the kernel would send RST, which
        may destroy the reply before the client has read it. Source: RFC 9112, 9.6.
        """
        self._closing = True
        transport = self.transport
        if transport is None:
            return
        if transport.can_write_eof():
            transport.write_eof()
            self._idle = asyncio.get_running_loop().call_later(LINGER_S, transport.abort)
        else:
            _close(transport)

    def reset(self) -> None:
        """
        RST at once: what is unsent is dropped, and nothing is left in TIME_WAIT. On a Unix socket a plain close.
        """
        self._closing = True
        transport = self.transport
        if transport is None:
            return
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX and sock.fileno() != -1:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()

    def shut_down_from_outside(self) -> None:
        """
        From another thread, when the server's own is blocked: both directions end for the client, now. The
        descriptor stays the loop's to close.
        """
        transport = self.transport
        sock: socket.socket | None = None if transport is None else transport.get_extra_info("socket")
        if sock is not None and sock.fileno() != -1:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _close(transport: asyncio.Transport) -> None:
    # Closed twice, asyncio's TLS transport forgets its connection and can neither abort it nor tell of it any more.
    # Source: Lib/asyncio/sslproto.py, _SSLProtocolTransport.close, of 3.11 to 3.13.
    if not transport.is_closing():
        transport.close()
