"""
What the kernel tells about addresses and routes over an rtnetlink socket, reduced to what matters to a public address.

Source: rtnetlink(7), netlink(7); include/uapi/linux/netlink.h, rtnetlink.h and if_addr.h of Linux.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
# The multicast groups of addresses and routes of both families.
GROUPS = 0x10 | 0x40 | 0x100 | 0x400

_HEADER = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_IFA_ADDRESS = 1
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_SCOPE_LINK = 253
_RT_TABLE_MAIN = 254
_RTN_UNICAST = 1
_RTM_F_CLONED = 0x200


@dataclass(frozen=True, slots=True)
class Fact:
    """
    An address or a route that is there, or with `is_there` off is no more. `key` tells facts apart; what the kernel
    repeats with new lifetimes, as at each router advertisement, has the key it had.
    """

    key: tuple[object, ...]
    is_there: bool


def dump_request(kind: int, *, sequence: int) -> bytes:
    """
    Asks for everything there is of one kind.
    """
    body = bytes(_ROUTE.size if kind == RTM_GETROUTE else _ADDRESS.size)
    return _HEADER.pack(_HEADER.size + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0) + body


def read_messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """
    The type and the body of each message of a datagram; ends at the first that is cut.
    """
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        yield kind, data[offset + _HEADER.size : offset + length]
        offset += length + -length % 4


def read_fact(kind: int, body: bytes) -> Fact | None:
    """
    What a message says; None when it does not matter: addresses of loopback and of one link only, routes of other tables
    than the main one, routes that are no way anywhere.
    """
    if kind in {RTM_NEWADDR, RTM_DELADDR} and len(body) >= _ADDRESS.size:
        family, prefix, _, scope, index = _ADDRESS.unpack_from(body)
        if scope >= _SCOPE_LINK:
            return None
        address = _attributes(body[_ADDRESS.size :]).get(_IFA_ADDRESS, b"")
        return Fact(("address", family, prefix, index, address), kind == RTM_NEWADDR)
    if kind in {RTM_NEWROUTE, RTM_DELROUTE} and len(body) >= _ROUTE.size:
        family, bits, _, _, table, _, _, type_, flags = _ROUTE.unpack_from(body)
        if table != _RT_TABLE_MAIN or type_ != _RTN_UNICAST or flags & _RTM_F_CLONED:
            return None
        found = _attributes(body[_ROUTE.size :])
        target = found.get(_RTA_DST, b"")
        if target[:2] == b"\xfe\x80":  # every interface that comes up gets one
            return None
        way = found.get(_RTA_GATEWAY, b""), found.get(_RTA_OIF, b"")
        return Fact(("route", family, bits, target, *way), kind == RTM_NEWROUTE)
    return None


def _attributes(body: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    offset = 0
    while offset + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = body[offset + _ATTRIBUTE.size : offset + length]
        offset += length + -length % 4
    return found
