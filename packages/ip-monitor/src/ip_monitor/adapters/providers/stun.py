"""
Asking a STUN server: one round trip over UDP, unauthenticated, so it supports what others prove.

Source: RFC 8489, sections 5 (header), 6.3 (receiving), 14.1 and 14.2 (mapped addresses).
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
from typing import TYPE_CHECKING

from ip_monitor.adapters.providers.asking import AskingProvider
from ip_monitor.adapters.providers.datagram import ask_over_udp
from ip_monitor.adapters.providers.replies import ReplyRefusedError, accept
from ip_monitor.domain.answers import FailureKind

if TYPE_CHECKING:
    from ip_monitor.domain.addresses import Address

PORT = 3478
MAGIC_COOKIE = 0x2112A442
BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101
BINDING_ERROR = 0x0111
MAPPED_ADDRESS = 0x0001
XOR_MAPPED_ADDRESS = 0x0020
HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_TRANSACTION_BYTES = 12
# Section 6.2.1: the first repetition after 500 ms, then twice as long each time.
_REPEAT_AFTER_S = (0.5, 1.0, 2.0)


def binding_request(transaction: bytes) -> bytes:
    return HEADER.pack(BINDING_REQUEST, 0, MAGIC_COOKIE, transaction)


def read_binding(data: bytes, transaction: bytes) -> str | None:
    """
    The mapped address of a response to `transaction`; None when it is not one. The plain attribute counts only when
    the xor form is absent, because routers are known to rewrite plain addresses that they see in passing.

    Raises:
        ReplyRefusedError: an error response, or one without a readable address.
    """
    if len(data) < HEADER.size:
        return None
    kind, length, cookie, got = HEADER.unpack_from(data)
    if cookie != MAGIC_COOKIE or got != transaction or kind not in {BINDING_SUCCESS, BINDING_ERROR}:
        return None
    if kind == BINDING_ERROR:
        raise ReplyRefusedError(FailureKind.STATUS, "the STUN server answers with an error")
    attributes = _attributes(data[HEADER.size : HEADER.size + length])
    if XOR_MAPPED_ADDRESS in attributes:
        return _address(attributes[XOR_MAPPED_ADDRESS], key=struct.pack("!I", MAGIC_COOKIE) + transaction)
    if MAPPED_ADDRESS in attributes:
        return _address(attributes[MAPPED_ADDRESS], key=bytes(16))
    raise ReplyRefusedError(FailureKind.MALFORMED, "the STUN response has no mapped address")


def _attributes(body: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    offset = 0
    while offset + _ATTRIBUTE.size <= len(body):
        kind, length = _ATTRIBUTE.unpack_from(body, offset)
        offset += _ATTRIBUTE.size
        # Section 14: of an attribute that comes twice only the first counts.
        found.setdefault(kind, body[offset : offset + length])
        offset += length + -length % 4
    return found


def _address(value: bytes, *, key: bytes) -> str:
    size = {0x01: 4, 0x02: 16}.get(value[1] if len(value) > 1 else 0)
    if size is None or len(value) != 4 + size:
        raise ReplyRefusedError(FailureKind.MALFORMED, "the mapped address of the STUN response cannot be read")
    plain = bytes(byte ^ mask for byte, mask in zip(value[4:], key, strict=False))
    return str(ipaddress.ip_address(plain))


class STUNProvider(AskingProvider):
    """
    Asks one STUN server. The transaction id is random, and only its answer counts.
    """

    async def _exchange(self, raw: bytearray) -> Address:
        host = await self._client.resolve(self._spec)
        transaction = secrets.token_bytes(_TRANSACTION_BYTES)

        def take(data: bytes) -> str | None:
            raw[:] = data
            return read_binding(data, transaction)

        request = binding_request(transaction)
        port = self._spec.port or PORT
        connected = await self._client.connect(host, port, kind=socket.SOCK_DGRAM)
        text = await ask_over_udp(connected, request, accept=take, repeat_after_s=_REPEAT_AFTER_S)
        return accept(text, self._spec, self._client.policy)
