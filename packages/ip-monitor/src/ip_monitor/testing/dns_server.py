"""
A DNS server on loopback, over UDP and TLS, that answers every question with one address, truly or falsely.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from enum import StrEnum
from typing import TYPE_CHECKING, Self, cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from ip_monitor.domain.addresses import Address

_LENGTH = struct.Struct("!H")


class DNSFault(StrEnum):
    """
    How one response goes wrong.
    """

    NONE = "none"
    SILENT = "silent"
    WRONG_ID = "wrong_id"
    OTHER_QUESTION = "other_question"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    EMPTY = "empty"
    SEVERAL = "several"
    TWICE = "twice"  # the same record again, and a client-subnet record: harmless
    PROSE = "prose"
    GARBAGE = "garbage"


class MockDNSServer:
    """
    An asynchronous context manager.

    Args:
        address: what it says; can be changed while it runs.
        faults: one for each question in turn, then none.
        tls: also listen for DNS over TLS, with this context.

    Attributes:
        questions: the texts of the questions that came, in order.
    """

    def __init__(
        self, address: Address, *, faults: list[DNSFault] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.address = address
        self.faults = list(faults or [])
        self.questions: list[str] = []
        self._tls = tls
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """
        Of the UDP side.
        """
        if self._transport is None:
            raise RuntimeError("the DNS server is not running; enter it with `async with`")
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    @property
    def tls_port(self) -> int:
        if self._server is None:
            raise RuntimeError("the DNS server has no TLS side; give it a context as `tls` and enter it")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(self), local_addr=("127.0.0.1", 0))
        if self._tls is not None:
            self._server = await asyncio.start_server(self._serve_tls, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._transport is not None:
            self._transport.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        # The sockets are closed by the loop's next turn.
        await asyncio.sleep(0)

    def reply(self, data: bytes) -> bytes | None:
        """
        The response to one question; None for silence.
        """
        try:
            question = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return None
        asked = question.question[0]
        self.questions.append(asked.to_text())
        fault = self.faults.pop(0) if self.faults else DNSFault.NONE
        if fault is DNSFault.SILENT:
            return None
        if fault is DNSFault.GARBAGE:
            return b"\x00" * 7
        response = dns.message.make_response(question)
        if fault is DNSFault.TRUNCATED:
            response.flags |= dns.flags.TC
        elif fault is DNSFault.REFUSED:
            response.set_rcode(dns.rcode.REFUSED)
        elif fault is not DNSFault.EMPTY:
            response.answer.append(self._records(asked, fault))
        if fault is DNSFault.WRONG_ID:
            response.id = (response.id + 1) & 0xFFFF
        if fault is DNSFault.OTHER_QUESTION:
            response.question = dns.message.make_query("other.example", "A").question
        return response.to_wire()

    def _records(self, asked: dns.rrset.RRset, fault: DNSFault) -> dns.rrset.RRset:
        texts = [str(self.address)]
        if fault is DNSFault.SEVERAL:
            texts.append(str(self.address + 1))
        if fault is DNSFault.PROSE:
            texts = ["hello"]
        if asked.rdtype == dns.rdatatype.TXT:
            if fault is DNSFault.TWICE:
                texts.append("edns0-client-subnet 198.51.100.0/24")
            texts = [f'"{text}"' for text in texts]
        return dns.rrset.from_text_list(asked.name, 1, asked.rdclass, asked.rdtype, texts)

    async def _serve_tls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
            response = self.reply(await reader.readexactly(length))
            if response is not None:
                writer.write(_LENGTH.pack(len(response)) + response)
                await writer.drain()
        writer.transport.abort()


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, server: MockDNSServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Before 3.12 asyncio's datagram transports do not inherit the class that describes them.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        response = self._server.reply(data)
        if response is not None and self._transport is not None:
            self._transport.sendto(response, addr)
