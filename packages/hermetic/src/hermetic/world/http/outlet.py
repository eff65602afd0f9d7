"""
Where a reply or a fault writes: one exchange's side of the connection, with its clock and its count of bytes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hermetic.world.http.wire import Framing

if TYPE_CHECKING:
    import socket

    from hermetic.foundation.clock import Clock
    from hermetic.world.http.calls import Call
    from hermetic.world.http.holds import Holds
    from hermetic.world.http.protocol import Connection
    from hermetic.world.http.reply import Reply
    from hermetic.world.http.request import Request
    from hermetic.world.http.wire import DateLine

# A body spread over time goes out in so many pieces.
PIECES = 10


class Outlet:
    """
    All that may be done to the client of one request.
    """

    __slots__ = ("_connection", "_date", "_holds", "call", "clock", "is_ended", "request")

    def __init__(
        self, connection: Connection, request: Request, call: Call, *, clock: Clock, date: DateLine, holds: Holds
    ) -> None:
        self._connection = connection
        self._date = date
        self._holds = holds
        self.request = request
        self.call = call
        self.clock = clock
        self.is_ended = False

    def framing(self, reply: Reply) -> Framing:
        key = (self.request.method == "HEAD", self.request.version)
        framing: Framing | None = reply.framings.get(key)
        if framing is None:
            framing = Framing(reply, method=self.request.method, version=self.request.version)
            reply.framings[key] = framing
        return framing

    def head(self, reply: Reply, *, keep_alive: bool | None = None) -> bytes:
        """
        The complete head of `reply` as bytes, the empty line included. `keep_alive` says what its Connection field
        tells; None tells the truth.
        """
        framing = self.framing(reply)
        keeps = self.request.keep_alive and not framing.closes if keep_alive is None else keep_alive
        return framing.lines(self._date, keep_alive=keeps, version=self.request.version)

    def body(self, reply: Reply) -> bytes:
        """
        The body as it goes on the wire: in chunks if so delimited, empty for HEAD.
        """
        return self.framing(reply).body

    def write_nowait(self, data: bytes) -> None:
        call = self.call
        if data:
            # Before the write: once it is made, the client may be ahead of this thread.
            call.last_byte_s = self.clock.monotonic() - call.at_s
            if call.first_byte_s is None:
                call.first_byte_s = call.last_byte_s
        call.sent_bytes += len(data)
        self._connection.write(data)

    async def write(self, data: bytes) -> None:
        """
        Write and wait until the client keeps up; first wait until nothing holds its replies.
        """
        await self.pass_on()
        self.write_nowait(data)
        await self._connection.drain()

    async def pass_on(self) -> None:
        """
        Return when nothing holds the replies to this client.
        """
        if self._holds.in_force:
            await self._holds.pass_on(self.request.client, "replies")

    def prepare(self, reply: Reply) -> bytes:
        """
        The whole reply as bytes, and all that the call says of it as if they were written: once they are, the client
        may look at the call before this thread can go on.
        """
        call = self.call
        call.told(reply)
        data = self.head(reply) + self.body(reply)
        call.first_byte_s = call.last_byte_s = self.clock.monotonic() - call.at_s
        call.sent_bytes += len(data)
        if not self.request.keep_alive or self.framing(reply).closes:
            call.close = "fin"
        return data

    def send_prepared(self, reply: Reply, data: bytes) -> None:
        """
        Write what `prepare` gave, in one piece: head and body in two writes cost 40 ms where the client delays its
        acknowledgement. Then FIN if the connection cannot go on.
        """
        self._connection.write(data)
        self.end(reply)

    def send_nowait(self, reply: Reply) -> None:
        self.send_prepared(reply, self.prepare(reply))

    async def send(self, reply: Reply, *, over_s: float = 0.0) -> None:
        """
        The reply, its body spread evenly over `over_s` seconds: a piece at each step, the last at the end.
        """
        if over_s <= 0:
            self.send_nowait(reply)
            await self._connection.drain()
            return
        self.call.told(reply)
        await self.write(self.head(reply))
        body = self.body(reply)
        count = min(PIECES, len(body)) or 1
        for step in range(count):
            await self.clock.sleep(over_s / count)
            await self.write(body[len(body) * step // count : len(body) * (step + 1) // count])
        self.end(reply)

    def end(self, reply: Reply) -> None:
        """
        Close the connection if that is how `reply` ends, or if the client asked for it.
        """
        if not self.request.keep_alive or self.framing(reply).closes:
            self.close()

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    def close(self) -> None:
        """
        FIN after what was written.
        """
        self.is_ended = True
        self.call.close = "fin"
        self._connection.close()

    def reset(self) -> None:
        """
        RST at once; what the kernel has not sent is lost.
        """
        self.is_ended = True
        self.call.close = "rst"
        self._connection.reset()

    async def flushed(self) -> None:
        """
        Return when everything written is in the kernel's hands, so that a reset cannot overtake it by much.
        """
        await self._connection.flushed()

    async def half_close(self) -> None:
        """
        FIN for our direction only, reading on. TLS has no half-closed state in asyncio; there it is a full close.
        """
        self.call.close = "half"
        transport = self._connection.transport
        if transport is not None and transport.can_write_eof():
            await self.flushed()
            transport.write_eof()
            await self.hold()
        else:
            self.close()

    async def hold(self) -> None:
        """
        Do nothing until the client leaves or the server stops.
        """
        await asyncio.get_running_loop().create_future()

    def raw_socket(self) -> socket.socket | None:
        transport = self._connection.transport
        return None if transport is None else transport.get_extra_info("socket")
