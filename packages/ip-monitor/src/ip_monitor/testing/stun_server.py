"""
A STUN server on loopback that tells the truth, or lies in one of the ways known from the field.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from enum import StrEnum
from typing import TYPE_CHECKING, Self, cast

from ip_monitor.adapters.providers.stun import (
    BINDING_ERROR,
    BINDING_REQUEST,
    BINDING_SUCCESS,
    HEADER,
    MAGIC_COOKIE,
    MAPPED_ADDRESS,
    XOR_MAPPED_ADDRESS,
)

if TYPE_CHECKING:
    from types import TracebackType

    from ip_monitor.domain.addresses import Address


class STUNFault(StrEnum):
    """
    How one reply goes wrong.
    """

    NONE = "none"
    SILENT = "silent"
    WRONG_TRANSACTION = "wrong_transaction"
    WRONG_COOKIE = "wrong_cookie"
    ERROR = "error"
    NO_ADDRESS = "no_address"
    PLAIN_ONLY = "plain_only"
    REWRITTEN_PLAIN = "rewritten_plain"  # a router changed the plain attribute in passing
    CUT = "cut"
    GARBAGE = "garbage"


class MockSTUNServer:
    """
    An asynchronous context manager.

    Args:
        address: what it says; can be changed while it runs.
        faults: one for each request in turn, then none.
        host: the loopback address to listen on, of either family.

    Attributes:
        requests: how many Binding requests came.
    """

    def __init__(self, address: Address, *, faults: list[STUNFault] | None = None, host: str = "127.0.0.1") -> None:
        self.address = address
        self.faults = list(faults or [])
        self.requests = 0
        self._host = host
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def url(self) -> str:
        """
        For a provider's specification; the server must be running.
        """
        if self._transport is None:
            raise RuntimeError("the STUN server is not running; enter it with `async with`")
        host, port = self._transport.get_extra_info("sockname")[:2]
        return f"stun://[{host}]:{port}" if ":" in host else f"stun://{host}:{port}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(self), local_addr=(self._host, 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._transport is not None:
            self._transport.abort()
            # The socket is closed by the loop's next turn.
            await asyncio.sleep(0)
            self._transport = None

    def reply(self, data: bytes) -> list[bytes]:
        """
        The datagrams to send back for one request.
        """
        if len(data) < HEADER.size or HEADER.unpack_from(data)[0] != BINDING_REQUEST:
            return []
        self.requests += 1
        transaction = HEADER.unpack_from(data)[3]
        fault = self.faults.pop(0) if self.faults else STUNFault.NONE
        return self._falsify(fault, transaction)

    def _falsify(self, fault: STUNFault, transaction: bytes) -> list[bytes]:
        mapped = _mapped(self.address, transaction)
        whole = _message(transaction, [mapped])
        rewritten = _plain(ipaddress.ip_address("10.0.0.1"))
        replies = {
            STUNFault.NONE: [whole],
            STUNFault.SILENT: [],
            STUNFault.WRONG_TRANSACTION: [_message(bytes(12), [_mapped(self.address, bytes(12))])],
            STUNFault.WRONG_COOKIE: [whole[:4] + bytes(4) + whole[8:]],
            STUNFault.ERROR: [_message(transaction, [], kind=BINDING_ERROR)],
            STUNFault.NO_ADDRESS: [_message(transaction, [(0x8022, b"software")])],
            STUNFault.PLAIN_ONLY: [_message(transaction, [_plain(self.address)])],
            STUNFault.REWRITTEN_PLAIN: [_message(transaction, [rewritten, mapped])],
            STUNFault.CUT: [whole[:-3]],
            STUNFault.GARBAGE: [b"\xff" * 40, b""],
        }
        return replies[fault]


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, server: MockSTUNServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Before 3.12 asyncio's datagram transports do not inherit the class that describes them.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None:
            for reply in self._server.reply(data):
                self._transport.sendto(reply, addr)


def _message(transaction: bytes, attributes: list[tuple[int, bytes]], *, kind: int = BINDING_SUCCESS) -> bytes:
    body = b"".join(struct.pack("!HH", k, len(value)) + value + bytes(-len(value) % 4) for k, value in attributes)
    return HEADER.pack(kind, len(body), MAGIC_COOKIE, transaction) + body


def _plain(address: Address) -> tuple[int, bytes]:
    return MAPPED_ADDRESS, struct.pack("!BBH", 0, 1 if address.version == 4 else 2, 40000) + address.packed


def _mapped(address: Address, transaction: bytes) -> tuple[int, bytes]:
    key = struct.pack("!I", MAGIC_COOKIE) + transaction
    hidden = bytes(byte ^ mask for byte, mask in zip(address.packed, key, strict=False))
    port = 40000 ^ (MAGIC_COOKIE >> 16)
    return XOR_MAPPED_ADDRESS, struct.pack("!BBH", 0, 1 if address.version == 4 else 2, port) + hidden
