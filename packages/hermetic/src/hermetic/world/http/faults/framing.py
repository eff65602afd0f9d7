"""
Faults of HTTP itself: status lines, header lines, lengths, chunks, bytes that do not belong.

What is right, and so what each of these breaks: RFC 9112, 4 (status line), 5 (field lines), 6.3 (length), 7.1
(chunks); RFC 9110, 15.2 (1xx).
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from hermetic.world.http import wire
from hermetic.world.http.errors import BadFaultError
from hermetic.world.http.faults.model import Fault, choice, count

if TYPE_CHECKING:
    from hermetic.world.http.outlet import Outlet
    from hermetic.world.http.reply import Reply

StatusLine = Literal["no status", "text status", "no version", "http/9.9", "two digits", "empty"]
_STATUS_LINES = {
    "no status": b"HTTP/1.1\r\n",
    "text status": b"HTTP/1.1 OK 200\r\n",
    "no version": b"200 OK\r\n",
    "http/9.9": b"HTTP/9.9 200 OK\r\n",
    "two digits": b"HTTP/1.1 20 OK\r\n",
    "empty": b"\r\n\r\n",
}
HeaderLine = Literal["no colon", "space in name", "nul", "bare lf", "no name", "obs fold first"]
_HEADER_LINES = {
    "no colon": b"this line has no colon\r\n",
    "space in name": b"X Bad: 1\r\n",
    "nul": b"X-Bad: a\x00b\r\n",
    "bare lf": b"X-Bad: 1\nX-Worse: 2\r\n",
    "no name": b": nameless\r\n",
    "obs fold first": b" folded before any field\r\n",
}
Chunking = Literal["size", "no end", "no crlf", "negative", "huge size"]
_CHUNKING = ("size", "no end", "no crlf", "negative", "huge size")
# Most clients stop at 8 to 64 KiB of head; beyond this a test would only measure memory.
_MOST_HEAD = 64 * 1024 * 1024
_MOST_GARBAGE = 16 * 1024 * 1024


def content_length(difference: int) -> Fault:
    """
    A Content-Length that is wrong by `difference` bytes, then FIN after the real body: above 0 the body is cut
    short, below 0 bytes follow it that the client takes for something else.
    """
    count(difference, fault="content_length", name="difference", least=None)

    async def play(out: Outlet, reply: Reply) -> None:
        body = reply.body if reply.chunks is None else b"".join(reply.chunks)
        announced = max(0, len(body) + difference)
        wrong = replace(reply, body=body, chunks=None).with_headers((("Content-Length", str(announced)),))
        out.call.told(reply)
        # The line says keep-alive as a server would that does not know of its mistake.
        await out.write(out.head(wrong, keep_alive=True) + body)
        out.close()

    return Fault("content_length", play, settings=(("difference", difference),))


def broken_chunking(kind: Chunking = "size") -> Fault:
    """
    A chunked body that breaks its coding after the first good half: a size that is no number, no last chunk, no line
    break after a chunk, a negative size, a size of 2 to the 64th.
    """
    choice(kind, _CHUNKING, fault="broken_chunking", name="kind")

    async def play(out: Outlet, reply: Reply) -> None:
        body = reply.body or b"".join(reply.chunks or ()) or b"some body"
        good, rest = wire.chunk(body[: len(body) // 2 or 1]), body[len(body) // 2 or 1 :] or b"rest"
        bad = {
            "size": b"zz\r\n" + rest + b"\r\n0\r\n\r\n",
            "no end": wire.chunk(rest),
            "no crlf": b"%x\r\n" % len(rest) + rest + b"XX0\r\n\r\n",
            "negative": b"-5\r\n" + rest + b"\r\n0\r\n\r\n",
            "huge size": b"10000000000000000\r\n" + rest,
        }[kind]
        out.call.told(reply)
        await out.write(out.head(replace(reply, body=b"", chunks=(body,)), keep_alive=True) + good + bad)
        out.close()

    return Fault("broken_chunking", play, settings=(("kind", kind),))


def garbage(size: int = 512, *, seed: int = 0) -> Fault:
    """
    `size` bytes of noise where a reply should be, then FIN. The noise begins with a byte that no reply begins with.
    """
    count(size, fault="garbage", name="size", least=1, most=_MOST_GARBAGE)
    noise = b"\x16" + random.Random(seed).randbytes(size - 1)  # noqa: S311  # noise, not a secret

    async def play(out: Outlet, reply: Reply) -> None:  # noqa: ARG001  # every fault is given the reply
        await out.write(noise)
        out.close()

    return Fault("garbage", play, settings=(("size", size), ("seed", seed)))


def wrong_status_line(kind: StatusLine = "no status") -> Fault:
    choice(kind, tuple(_STATUS_LINES), fault="wrong_status_line", name="kind")

    async def play(out: Outlet, reply: Reply) -> None:
        rest = out.head(reply, keep_alive=False).partition(b"\r\n")[2]
        await out.write(_STATUS_LINES[kind] + rest + out.body(reply))
        out.close()

    return Fault("wrong_status_line", play, settings=(("kind", kind),))


def bad_header_line(kind: HeaderLine = "no colon") -> Fault:
    """
    A line that is no field, first in the head.
    """
    choice(kind, tuple(_HEADER_LINES), fault="bad_header_line", name="kind")

    async def play(out: Outlet, reply: Reply) -> None:
        status, _, rest = out.head(reply, keep_alive=False).partition(b"\r\n")
        out.call.told(reply)
        await out.write(status + b"\r\n" + _HEADER_LINES[kind] + rest + out.body(reply))
        out.close()

    return Fault("bad_header_line", play, settings=(("kind", kind),))


def huge_headers(size: int = 256 * 1024, *, lines: int = 1) -> Fault:
    """
    `size` bytes of further header fields, spread over `lines` of them.
    """
    count(size, fault="huge_headers", name="size", least=1, most=_MOST_HEAD)
    count(lines, fault="huge_headers", name="lines", least=1, most=size)
    each = size // lines
    extra = b"".join(b"X-Huge-%d: %b\r\n" % (n, b"h" * max(1, each - 14)) for n in range(lines))

    async def play(out: Outlet, reply: Reply) -> None:
        status, _, rest = out.head(reply, keep_alive=False).partition(b"\r\n")
        out.call.told(reply)
        await out.write(status + b"\r\n" + extra + rest + out.body(reply))
        out.close()

    return Fault("huge_headers", play, settings=(("size", size), ("lines", lines)))


def extra_bytes(data: bytes = b"\r\n\r\nleft over from somewhere else") -> Fault:
    """
    A correct reply on a connection that is kept, and bytes after it that belong to nothing.

    Raises:
        BadFaultError: there are no bytes.
    """
    given: Any = data
    if not isinstance(given, bytes) or not given:
        raise BadFaultError(what=f"extra_bytes(data={given!r})", why="give one byte or more, as bytes")

    async def play(out: Outlet, reply: Reply) -> None:
        out.call.told(reply)
        await out.write(out.head(reply, keep_alive=True) + out.body(reply) + data)

    return Fault("extra_bytes", play, settings=(("data", data),))


def informational(*statuses: int, fields: tuple[tuple[str, str], ...] = ()) -> Fault:
    """
    1xx replies before the real one, 103 Early Hints unless others are named.
    """
    chosen = statuses or (103,)
    for status in chosen:
        count(status, fault="informational", name="status", least=100, most=199)

    async def play(out: Outlet, reply: Reply) -> None:
        early = b"".join(b"HTTP/1.1 %d \r\n%b\r\n" % (status, wire.field_lines(fields)) for status in chosen)
        await out.write(early)
        await out.send(reply)

    return Fault("informational", play, settings=(("statuses", chosen),))
