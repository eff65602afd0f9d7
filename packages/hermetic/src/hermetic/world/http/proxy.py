"""
Between a client and a real server: passing everything on as it comes, and keeping it with its times.
"""

from __future__ import annotations

import zlib
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermetic.world.http import wire
from hermetic.world.http.errors import BadReplyError, UpstreamError
from hermetic.world.http.faults.model import Sender
from hermetic.world.http.recording import (
    Piece,
    RecordedExchange,
    RecordedReply,
    RecordedRequest,
    Recording,
    exchange_line,
    header_line,
)
from hermetic.world.http.reply import BODILESS, Reply, fail
from hermetic.world.http.upstream import HOP_BY_HOP, ReplyEnd, ReplyHead, ReplyPiece

if TYPE_CHECKING:
    from pathlib import Path

    from hermetic.world.http.outlet import Outlet
    from hermetic.world.http.recording import End, HeaderPairs
    from hermetic.world.http.request import Request
    from hermetic.world.http.scrubbing import Scrubber, Scrubbing
    from hermetic.world.http.upstream import Upstream

# A body that is larger when decompressed is kept as it is, unread.
_INFLATED_BYTES = 16 * 1024 * 1024
_CODINGS = frozenset({"gzip", "x-gzip", "deflate", "identity"})
_OWN = frozenset({"host", "content-length"})
# A length of more digits is no length of a body, and too long a text takes Python time to read as a number.
_MOST_DIGITS = 20


class Recorder:
    """
    Takes exchanges, scrubs them, keeps them, and appends each to a file as it ends, so that a crash loses none.

    Args:
        upstream: its address, for the file's first line.
        path: where to write; an existing file is replaced. None keeps the recording in memory only.
        scrubber: None writes everything as it came, secrets included.
    """

    def __init__(self, *, upstream: str, path: Path | None, scrubber: Scrubber | None) -> None:
        self.upstream = upstream
        self.path = path
        self._scrubbing = None if scrubber is None else scrubber.begin()
        self._exchanges: list[RecordedExchange] = []
        if path is not None:
            path.write_text(header_line(upstream), "utf-8")

    @property
    def recording(self) -> Recording:
        """
        What was recorded so far.
        """
        return Recording(self.upstream, tuple(self._exchanges), str(self.path or "a running proxy"))

    def add(self, request: RecordedRequest, reply: RecordedReply) -> None:
        exchange = RecordedExchange(request, reply)
        if self._scrubbing is not None:
            exchange = scrubbed(exchange, self._scrubbing)
        self._exchanges.append(exchange)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(exchange_line(exchange))


@dataclass(frozen=True, slots=True)
class Proxy(Sender):
    """
    An answer that asks the upstream and passes on what comes, when it comes, as it comes: pieces keep their times,
    a connection that is cut is cut for the client too. An upstream that cannot be reached is answered with 502.
    """

    upstream: Upstream
    recorder: Recorder

    async def send(self, out: Outlet, reply: Reply) -> None:  # noqa: ARG002  # a proxy has no reply of its own
        asked = recorded_request(out.request)
        take = _Take()
        try:
            parts = self.upstream.ask(asked.method, asked.target, _forwarded(out.request), asked.body)
            async with aclosing(parts):
                async for part in parts:
                    if take.add(part):
                        # Before the client can have the end: who has the reply finds it in the recording.
                        self.recorder.add(asked, take.reply())
                    await take.pass_on(part, out)
        except UpstreamError as error:
            if take.head is None:
                self.recorder.add(asked, RecordedReply(0, end="refused"))
                await out.send(fail(502, body=str(error)))


class _Take:
    """
    One reply as it comes in: what of it is here, and its passage to the client.
    """

    def __init__(self) -> None:
        self.head: ReplyHead | None = None
        self._pieces: list[ReplyPiece] = []
        self._passage: Passage | None = None
        self._end: End | None = None

    def add(self, part: ReplyHead | ReplyPiece | ReplyEnd) -> bool:
        """
        Take note of a part; True once, when it is the end of the reply.
        """
        had_end = self._end is not None
        match part:
            case ReplyHead():
                self.head = part
                self._end = "complete" if part.is_last else None
            case ReplyPiece():
                self._pieces.append(part)
                self._end = "complete" if part.is_last else None
            case ReplyEnd():
                self._end = self._end or ("complete" if part.is_complete else "cut")
        return self._end is not None and not had_end

    async def pass_on(self, part: ReplyHead | ReplyPiece | ReplyEnd, out: Outlet) -> None:
        match part:
            case ReplyHead():
                self._passage = Passage(out, part.status, part.reason, part.headers)
                await self._passage.begin()
            case ReplyPiece() if self._passage is not None:
                await self._passage.piece(part.data)
            case ReplyEnd() if self._passage is not None:
                await self._passage.end(is_complete=self._end == "complete")
            case _:
                pass

    def reply(self) -> RecordedReply:
        """
        All of it; there must have been a head.
        """
        head = self.head
        assert head is not None  # noqa: S101  # the upstream yields it first
        kept: list[Piece] = []
        before = head.at_s
        for piece in self._pieces:
            kept.append(Piece(max(0.0, piece.at_s - before), piece.data))
            before = piece.at_s
        headers = tuple(pair for pair in head.headers if pair[0].lower() not in HOP_BY_HOP)
        return RecordedReply(head.status, head.reason, headers, head.at_s, tuple(kept), self._end or "cut")


class Passage:
    """
    A reply handed on piece by piece, delimited for this client: by its length if that is told, else in chunks, else
    by the end of the connection.
    """

    def __init__(self, out: Outlet, status: int, reason: str, headers: HeaderPairs) -> None:
        self._out = out
        request = out.request
        named = {
            word.strip().lower() for name, value in headers if name.lower() == "connection" for word in value.split(",")
        }
        self._headers = tuple((name, value) for name, value in headers if name.lower() not in HOP_BY_HOP | named)
        self._status = status
        self._reason = reason
        has_length = any(name.lower() == "content-length" for name, _ in headers)
        self._is_bodiless = request.method == "HEAD" or status in BODILESS
        self._in_chunks = not (has_length or self._is_bodiless) and request.version != "1.0"
        # Bytes of the body still to come, where its length is told.
        self._left = next(
            (int(v) for n, v in headers if n.lower() == "content-length" and v.isdecimal() and len(v) < _MOST_DIGITS),
            -1,
        )
        self._closes = not request.keep_alive or not (has_length or self._is_bodiless or self._in_chunks)

    async def begin(self) -> None:
        """
        Write the head.
        """
        tail = self._headers
        if self._in_chunks:
            tail = (*tail, ("Transfer-Encoding", "chunked"))
        if self._closes:
            tail = (*tail, ("Connection", "close"))
        elif self._out.request.version == "1.0":
            tail = (*tail, ("Connection", "keep-alive"))
        self._out.call.status = self._status
        with suppress(BadReplyError):
            # For who looks at the call; what a real server sends need not be a reply that we would make.
            self._out.call.told(Reply(self._status, self._headers, reason=self._reason))
        if self._is_bodiless or self._left == 0:
            self._over()
        line = f"HTTP/1.1 {self._status} {self._reason}\r\n".encode("latin-1", "replace")
        await self._out.write(line + wire.field_lines(tail) + b"\r\n")

    async def piece(self, data: bytes) -> None:
        if data and not self._is_bodiless:
            self._left -= len(data)
            if self._left == 0:
                self._over()
            await self._out.write(wire.chunk(data) if self._in_chunks else data)

    async def end(self, *, is_complete: bool) -> None:
        """
        Finish the message, or cut the connection as it was cut before us.
        """
        if not is_complete:
            await self._out.flushed()
            self._out.reset()
            return
        self._over()
        if self._in_chunks:
            await self._out.write(wire.LAST_CHUNK)
        if self._closes:
            self._out.close()

    def _over(self) -> None:
        # Said before the last bytes are written: once they are, the client may look at the call before this thread.
        if self._out.call.outcome == "in flight" and self._out.call.fault is None:
            self._out.call.outcome = "replied"


def recorded_request(request: Request) -> RecordedRequest:
    """
    The request as it goes into a recording: without fields of the connection and of this server's address.
    """
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
    kept = tuple(pair for pair in pairs if pair[0].lower() not in HOP_BY_HOP | _OWN)
    return RecordedRequest(request.method, request.target, kept, request.body)


def scrubbed_request(request: RecordedRequest, scrubbing: Scrubbing) -> RecordedRequest:
    """
    The same without its secrets.
    """
    headers = scrubbing.headers(request.headers)
    target = scrubbing.target(request.target)
    return RecordedRequest(request.method, target, headers, _clean(request.body, request.headers, scrubbing))


def scrubbed(exchange: RecordedExchange, scrubbing: Scrubbing) -> RecordedExchange:
    """
    Both messages without their secrets. A body that gets shorter or longer keeps its pieces in proportion.
    """
    request = scrubbed_request(exchange.request, scrubbing)
    reply = exchange.reply
    headers = scrubbing.headers(reply.headers)
    body = _clean(reply.body, reply.headers, scrubbing)
    pieces = reply.pieces
    if body != reply.body:
        pieces = _cut_alike(body, reply.pieces)
        headers = tuple(
            (name, str(len(body)) if name.lower() == "content-length" else value) for name, value in headers
        )
    cleaned = RecordedReply(reply.status, reply.reason, headers, reply.first_byte_s, pieces, reply.end)
    return RecordedExchange(request, cleaned)


def _forwarded(request: Request) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for raw_name, raw_value in request.raw_headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name.lower() == "accept-encoding":
            # Only codings that can be opened again to look for secrets.
            words = [word.strip() for word in value.split(",")]
            value = ", ".join(word for word in words if word.partition(";")[0].lower() in _CODINGS) or "identity"
        found.append((name, value))
    return tuple(found)


def _clean(body: bytes, headers: HeaderPairs, scrubbing: Scrubbing) -> bytes:
    fields = {name.lower(): value for name, value in headers}
    kind, coding = fields.get("content-type", ""), fields.get("content-encoding", "").strip().lower()
    if not body or coding in {"", "identity"}:
        return scrubbing.body(body, content_type=kind)
    plain = _inflated(body, coding)
    if plain is None:
        return body
    cleaned = scrubbing.body(plain, content_type=kind)
    return body if cleaned == plain else _deflated(cleaned, coding)


def _inflated(body: bytes, coding: str) -> bytes | None:
    if coding not in {"gzip", "x-gzip", "deflate"}:
        return None
    # 32: gzip or zlib, whichever the first bytes say. Source: zlib.h, inflateInit2.
    opened = zlib.decompressobj(32 + zlib.MAX_WBITS)
    try:
        plain = opened.decompress(body, _INFLATED_BYTES)
    except zlib.error:
        return None
    return plain if opened.eof and not opened.unconsumed_tail else None


def _deflated(plain: bytes, coding: str) -> bytes:
    packed = zlib.compressobj(wbits=zlib.MAX_WBITS if coding == "deflate" else 16 + zlib.MAX_WBITS)
    return packed.compress(plain) + packed.flush()


def _cut_alike(body: bytes, pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    total = sum(len(piece.data) for piece in pieces)
    cut: list[Piece] = []
    seen = begin = 0
    for piece in pieces:
        seen += len(piece.data)
        end = len(body) * seen // total if total else len(body)
        cut.append(Piece(piece.after_s, body[begin:end]))
        begin = end
    return tuple(cut)
