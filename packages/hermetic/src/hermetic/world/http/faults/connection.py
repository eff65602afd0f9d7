"""
Faults of the connection: whether there is one, and how and when it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hermetic.world.http.faults.model import ENDS, End, Fault, choice, count

if TYPE_CHECKING:
    from hermetic.world.http.outlet import Outlet
    from hermetic.world.http.reply import Reply

During = Literal["start", "head", "body"]
_DURING = ("start", "head", "body")


def refuse() -> Fault:
    """
    New connections are refused (RST to the SYN) while the port stays reserved. For a whole server.
    """
    return Fault("refuse", phase="listen", how="refuse")


def black_hole() -> Fault:
    """
    New connections get no answer at all: clients run into their connect time-out. For a whole server.

    The kernel drops the SYN because the accept queue is full (tcp_v4_syn_recv_sock, Linux).
    """
    return Fault("black_hole", phase="listen", how="swallow")


def cut_on_accept(end: End = "fin") -> Fault:
    """
    The connection is made, then ended by FIN or RST before anything is read. For a whole server.
    """
    choice(end, ENDS, fault="cut_on_accept", name="end")
    return Fault("cut_on_accept", phase="accept", how=end, settings=(("end", end),))


def _cut(name: str, end: End, during: During, after_bytes: int | None) -> Fault:
    choice(during, _DURING, fault=name, name="during")
    if after_bytes is not None:
        count(after_bytes, fault=name, name="after_bytes")

    async def play(out: Outlet, reply: Reply) -> None:
        head, body = out.head(reply), out.body(reply)
        if after_bytes is not None:
            sent = (head + body)[:after_bytes]
        else:
            sent = {"start": b"", "head": head[: len(head) // 2], "body": head + body[: len(body) // 2]}[during]
        if len(sent) >= len(head):
            out.call.told(reply)
        await out.write(sent)
        if end == "fin":
            out.close()
        else:
            await out.flushed()
            out.reset()

    chosen = ("during", during) if after_bytes is None else ("after_bytes", after_bytes)
    return Fault(name, play, settings=(chosen,))


def close(*, during: During = "start", after_bytes: int | None = None) -> Fault:
    """
    FIN before the reply, in the middle of its head or of its body, or after so many of its bytes.

    Raises:
        BadFaultError: `after_bytes` is negative.
    """
    return _cut("close", "fin", during, after_bytes)


def reset(*, during: During = "start", after_bytes: int | None = None) -> Fault:
    """
    RST before the reply, in the middle of its head or of its body, or after so many of its bytes.

    A client may lose bytes that arrived before the RST and that it has not read. Source: RFC 9293, 3.10.7.4.

    Raises:
        BadFaultError: `after_bytes` is negative.
    """
    return _cut("reset", "rst", during, after_bytes)


def stall(*, after_bytes: int = 0) -> Fault:
    """
    So many bytes of the reply, then nothing, with the connection open until the client gives up.
    """
    count(after_bytes, fault="stall", name="after_bytes")

    async def play(out: Outlet, reply: Reply) -> None:
        await out.write((out.head(reply) + out.body(reply))[:after_bytes])
        await out.hold()

    return Fault("stall", play, settings=(("after_bytes", after_bytes),))


def half_close(*, after_bytes: int | None = None) -> Fault:
    """
    FIN for the server's direction after so many bytes (None: the head and half of the body), reading on.

    TLS knows no half-closed state in asyncio; there the connection is closed.
    """
    if after_bytes is not None:
        count(after_bytes, fault="half_close", name="after_bytes")

    async def play(out: Outlet, reply: Reply) -> None:
        head, body = out.head(reply), out.body(reply)
        await out.write(head + body[: len(body) // 2] if after_bytes is None else (head + body)[:after_bytes])
        await out.half_close()

    return Fault("half_close", play, settings=(("after_bytes", after_bytes),))


def close_at_reuse(end: End = "fin") -> Fault:
    """
    The first request of a connection is answered as usual and the connection kept; the second finds it closed.
    """
    choice(end, ENDS, fault="close_at_reuse", name="end")

    async def play(out: Outlet, reply: Reply) -> None:
        if out.request.nth_on_connection == 1:
            await out.send(reply)
        elif end == "fin":
            out.close()
        else:
            out.reset()

    return Fault("close_at_reuse", play, settings=(("end", end),))
