"""
Asking a real server, and seeing when each part of its reply came.

One connection a request, closed after it: the times then are those of the server and not of a pool. Replies are parsed
by llhttp, so whatever a client library would refuse or repair is seen here as it was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httptools

from hermetic.world.http.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from hermetic.foundation.clock import Clock

HeaderPairs = tuple[tuple[str, str], ...]
# Meant for one connection and not for the message. Source: RFC 9110, 7.6.1.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class ReplyHead:
    """
    Status line and fields, `at_s` seconds after the request was sent. `is_last`: nothing follows it.
    """

    at_s: float
    status: int
    reason: str
    headers: HeaderPairs
    is_last: bool


@dataclass(frozen=True, slots=True)
class ReplyPiece:
    """
    Bytes of the body that came in one reading; the message is complete with the last of them.
    """

    at_s: float
    data: bytes
    is_last: bool


@dataclass(frozen=True, slots=True)
class ReplyEnd:
    """
    The end; not `is_complete` when the connection ended before the message did.
    """

    at_s: float
    is_complete: bool


class Upstream:
    """
    Args:
        url: scheme, host and port ("http://127.0.0.1:8000"); a path is put before every target.
        clock: measures.
        ssl_context: for https; the system's trust by default.
        timeout: seconds without a byte after which the server counts as gone.
    """

    def __init__(
        self, url: str, *, clock: Clock, ssl_context: ssl.SSLContext | None = None, timeout: float = 30.0
    ) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise UpstreamError(url=url, why=str(error)) from error
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise UpstreamError(url=url, why="an upstream is http:// or https://, a host, perhaps a port and a path")
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._clock = clock
        self._timeout = timeout
        self._host, self._port = parts.hostname, port or (443 if parts.scheme == "https" else 80)
        self._authority = parts.netloc.rpartition("@")[2]
        self._prefix = parts.path.rstrip("/")
        self._ssl = (ssl_context or ssl.create_default_context()) if parts.scheme == "https" else None

    def __repr__(self) -> str:
        return f"<Upstream {self.url}>"

    async def ask(
        self, method: str, target: str, headers: HeaderPairs, body: bytes
    ) -> AsyncGenerator[ReplyHead | ReplyPiece | ReplyEnd, None]:
        """
        Send the request and yield what comes back, as it comes: one head, pieces, one end.

        Raises:
            UpstreamError: no connection, or no reply on it that could be read.
        """
        try:
            async with asyncio.timeout(self._timeout):
                reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._ssl)
        except (OSError, TimeoutError) as error:
            raise UpstreamError(url=self.url, why=f"no connection: {str(error) or type(error).__name__}") from error
        try:
            writer.write(self._request(method, target, headers, body))
            started = self._clock.monotonic()
            async for part in self._reply(reader, method, started):
                yield part
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()

    def _request(self, method: str, target: str, headers: HeaderPairs, body: bytes) -> bytes:
        kept = [
            (name, value)
            for name, value in headers
            if name.lower() not in HOP_BY_HOP | {"host", "content-length", "expect"}
        ]
        if body or any(name.lower() in {"content-length", "transfer-encoding"} for name, _ in headers):
            kept.append(("Content-Length", str(len(body))))
        lines = [f"{method} {self._prefix}{target} HTTP/1.1", f"Host: {self._authority}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in kept]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body

    async def _reply(
        self, reader: asyncio.StreamReader, method: str, started: float
    ) -> AsyncGenerator[ReplyHead | ReplyPiece | ReplyEnd, None]:
        message = _Message(has_body=method != "HEAD")
        head_sent = False
        why = "the connection ended before a reply"
        while not message.is_complete:
            try:
                async with asyncio.timeout(self._timeout):
                    data = await reader.read(_READ_BYTES)
            except (OSError, TimeoutError) as error:
                data, why = b"", f"the connection failed: {str(error) or type(error).__name__}"
            now = self._clock.monotonic() - started
            try:
                message.feed(data)
            except httptools.HttpParserError as error:
                if not head_sent and message.status == 0:
                    raise UpstreamError(url=self.url, why=f"no reply that can be read: {error}") from error
                data = b""
            piece, is_last = message.take()
            if message.has_head and not head_sent:
                head_sent = True
                headers = tuple(message.headers)
                yield ReplyHead(now, message.status, message.reason, headers, is_last=is_last and not piece)
            if piece:
                yield ReplyPiece(now, piece, is_last=is_last)
            if not data:
                break
        if not head_sent:
            raise UpstreamError(url=self.url, why=why)
        now = self._clock.monotonic() - started
        yield ReplyEnd(now, is_complete=message.is_complete or message.ends_with_connection)


class _Message:
    """
    The parser's callbacks, for one reply after any number of 1xx ones.
    """

    def __init__(self, *, has_body: bool) -> None:
        self._has_body = has_body
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.reason = ""
        self.headers: list[tuple[str, str]] = []
        self.has_head = False
        self.is_complete = False

    @property
    def ends_with_connection(self) -> bool:
        """
        Neither a length nor chunks say where the body ends. Source: RFC 9112, 6.3, case 8.
        """
        return self.has_head and not {name.lower() for name, _ in self.headers} & {
            "content-length",
            "transfer-encoding",
        }

    def feed(self, data: bytes) -> None:
        # llhttp goes on after a complete message; 1xx replies come before the final one.
        self._parser.feed_data(data)

    def take(self) -> tuple[bytes, bool]:
        """
        The body that came since the last taking, and whether the message is complete with it.
        """
        taken = b"".join(self._body)
        self._body.clear()
        return taken, self.is_complete

    def on_message_begin(self) -> None:
        if not self.is_complete:
            self._reset()

    def on_status(self, reason: bytes) -> None:
        self.reason += reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status >= 200 or self.status == 101:
            self.has_head = True
            self.is_complete = not self._has_body

    def on_body(self, body: bytes) -> None:
        if self._has_body:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self.has_head:
            self.is_complete = True
