"""
Faults of the content: well-formed replies that say something else than they should.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hermetic.world.http.errors import BadFaultError
from hermetic.world.http.faults.model import Fault, count
from hermetic.world.http.reply import Reply, header_pairs

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.world.http.outlet import Outlet

# Of zeros; as gzip about a thousandth.
_MOST_BOMB = 1024 * 1024 * 1024


def instead(reply: Reply, *, name: str | None = None) -> Fault:
    """
    Another reply in place of the route's own.
    """
    given: Any = reply
    if not isinstance(given, Reply):
        raise BadFaultError(what=f"instead({given!r})", why="give a Reply, such as fail(503) or one of services")
    return _changed(name or f"status {reply.status}", lambda _: reply, ())


def _changed(name: str, change: Callable[[Reply], Reply], settings: tuple[tuple[str, object], ...]) -> Fault:
    async def play(out: Outlet, reply: Reply) -> None:
        await out.send(change(reply))

    return Fault(name, play, settings=settings)


def wrong_content_type(content_type: str = "text/html") -> Fault:
    """
    The right body under another type, as of an API that sends JSON as text/html.

    Raises:
        BadReplyError: the type cannot be a header's value.
    """
    wrong = header_pairs({"Content-Type": content_type})
    Reply(headers=wrong)
    return _changed(
        "wrong_content_type",
        lambda reply: reply.with_headers(wrong),
        (("content_type", content_type),),
    )


def wrong_charset(declared: str = "utf-8", *, actual: str = "utf-16-le", text: str = "Grüße aus Köln") -> Fault:
    """
    A text in the encoding `actual` that says it is in `declared`.

    Raises:
        BadFaultError: Python knows no encoding `actual`, or `text` cannot be written in it.
    """
    try:
        body = text.encode(actual)
    except (LookupError, UnicodeEncodeError) as error:
        raise BadFaultError(what=f"wrong_charset(actual={actual!r})", why=str(error)) from error

    def change(reply: Reply) -> Reply:
        wrong = (("Content-Type", f"text/plain; charset={declared}"),)
        return replace(reply, body=body, chunks=None).with_headers(wrong)

    return _changed("wrong_charset", change, (("declared", declared), ("actual", actual)))


def byte_order_mark() -> Fault:
    """
    A UTF-8 byte order mark before the body; JSON must not have one. Source: RFC 8259, 8.1.
    """
    return _changed(
        "byte_order_mark", lambda reply: replace(reply, body=b"\xef\xbb\xbf" + _whole(reply), chunks=None), ()
    )


def truncated_gzip() -> Fault:
    """
    The body compressed, its last half missing, with a length that fits what is sent.
    """

    def change(reply: Reply) -> Reply:
        packed = gzip.compress(_whole(reply) or b"some body", mtime=0)
        cut = replace(reply, body=packed[: len(packed) // 2], chunks=None)
        return cut.with_headers((("Content-Encoding", "gzip"),))

    return _changed("truncated_gzip", change, ())


def gzip_bomb(size: int = 10 * 1024 * 1024) -> Fault:
    """
    A small compressed body that unpacks to `size` bytes of zeros, at most 1 GiB.

    Raises:
        BadFaultError: the size is out of its range.
    """
    count(size, fault="gzip_bomb", name="size", least=1, most=_MOST_BOMB)
    packer = zlib.compressobj(wbits=31)
    megabyte = bytes(1024 * 1024)
    whole, rest = divmod(size, len(megabyte))
    packed = b"".join(
        (*(packer.compress(megabyte) for _ in range(whole)), packer.compress(bytes(rest)), packer.flush())
    )
    return _changed(
        "gzip_bomb",
        lambda reply: replace(reply, body=packed, chunks=None).with_headers((("Content-Encoding", "gzip"),)),
        (("size", size),),
    )


def empty() -> Fault:
    """
    200 with the headers of the route's reply and no body.
    """
    return _changed("empty", lambda reply: replace(reply, status=200, body=b"", chunks=None), ())


def redirect_loop(status: int = 302) -> Fault:
    """
    A redirect to the address that was asked for.
    """
    count(status, fault="redirect_loop", name="status", least=300, most=399)

    async def play(out: Outlet, reply: Reply) -> None:  # noqa: ARG001  # every fault is given the reply
        await out.send(Reply(status=status, headers=(("Location", out.request.target),)))

    return Fault("redirect_loop", play, settings=(("status", status),))


def _whole(reply: Reply) -> bytes:
    return reply.body if reply.chunks is None else b"".join(reply.chunks)
