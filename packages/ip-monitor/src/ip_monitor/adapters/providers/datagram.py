"""
One question and its answer over UDP, on a connected socket with a port of its own.

The kernel drops datagrams from other senders, which is the first guard against forged answers; the second is the
caller's check of the transaction.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

T = TypeVar("T")
# Enough for any answer that counts; what a datagram holds beyond it is evidence of nothing.
_LIMIT_BYTES = 4096


class _Mailbox(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | OSError] = asyncio.Queue(maxsize=16)

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - connected: only the server
        self._put(data[:_LIMIT_BYTES])

    def error_received(self, exc: Exception) -> None:
        self._put(exc if isinstance(exc, OSError) else OSError(str(exc)))

    def _put(self, item: bytes | OSError) -> None:
        # A flood of forged answers is dropped, not stored.
        if not self.queue.full():
            self.queue.put_nowait(item)


async def ask_over_udp(
    connected: socket.socket, question: bytes, *, accept: Callable[[bytes], T | None], repeat_after_s: Sequence[float]
) -> T:
    """
    Over a connected socket, which is closed in the end, send `question`, again after each of the pauses, and wait for an answer that `accept` takes.

    What `accept` returns None for is ignored as not meant for this question. Bounded only by the caller's deadline.

    Raises:
        OSError: the network refuses, as when nobody listens on the port.
        Exception: what `accept` raises.
    """
    loop = asyncio.get_running_loop()
    try:
        transport, mailbox = await loop.create_datagram_endpoint(_Mailbox, sock=connected)
    except BaseException:
        connected.close()
        raise
    repeater = asyncio.ensure_future(_send(transport, question, repeat_after_s))
    try:
        while True:
            item = await mailbox.queue.get()
            if isinstance(item, OSError):
                raise item
            accepted = accept(item)
            if accepted is not None:
                return accepted
    finally:
        repeater.cancel()
        transport.abort()
        await asyncio.gather(repeater, return_exceptions=True)


async def _send(transport: asyncio.DatagramTransport, question: bytes, repeat_after_s: Sequence[float]) -> None:
    transport.sendto(question)
    for pause_s in repeat_after_s:
        await asyncio.sleep(pause_s)
        transport.sendto(question)
