"""
The router of this machine, and the outer address it tells.

Source: NAT-PMP, RFC 6886 sections 3.2 (the request of two zero bytes and its response of twelve) and 1.1 (port 5351);
routers that speak PCP answer it too (RFC 6887 appendix A).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from pathlib import Path

PORT = 5351
_RESPONSE = struct.Struct("!BBHI4s")
_EXTERNAL_ADDRESS = 128
_ROUTES = Path("/proc/net/route")
_UP_GATEWAY = 0x3
_TIMEOUT_S = 0.75


def default_gateway(routes: Path = _ROUTES) -> ipaddress.IPv4Address | None:
    """
    The IPv4 router of the default route with the lowest metric; None where there is none, or no such file.
    """
    try:
        lines = routes.read_text(encoding="ascii").splitlines()[1:]
    except (OSError, UnicodeDecodeError):
        return None
    found: list[tuple[int, ipaddress.IPv4Address]] = []
    for fields in (line.split() for line in lines):
        try:
            target, gateway, flags, metric, mask = fields[1], fields[2], fields[3], fields[6], fields[7]
            if int(target, 16) == int(mask, 16) == 0 and int(flags, 16) & _UP_GATEWAY == _UP_GATEWAY:
                # As the machine's own byte order shows a number in network order. Source: proc(5)
                packed = struct.pack("=I", int(gateway, 16))
                found.append((int(metric), ipaddress.IPv4Address(packed)))
        except (IndexError, ValueError, struct.error):
            continue
    return min(found)[1] if found else None


async def outer_address_of_router() -> ipaddress.IPv4Address | None:
    """
    What this machine's router tells, None where there is none or it tells nothing.
    """
    gateway = default_gateway()
    return None if gateway is None else await outer_address(str(gateway))


async def outer_address(
    gateway: str, *, port: int = PORT, timeout_s: float = _TIMEOUT_S
) -> ipaddress.IPv4Address | None:
    """
    The outer address that a router tells, None when it tells none in time. Asks once; nothing is mapped or changed.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setblocking(False)  # noqa: FBT003 - the signature is the standard library's
        try:
            asker.connect((gateway, port))
            async with asyncio.timeout(timeout_s):
                await loop.sock_sendall(asker, bytes(2))
                return read_response(await loop.sock_recv(asker, 64))
        except (OSError, TimeoutError):
            return None


def read_response(data: bytes) -> ipaddress.IPv4Address | None:
    """
    The address in a response; None for anything else, also for a router without one.
    """
    if len(data) < _RESPONSE.size:
        return None
    version, operation, result, _, packed = _RESPONSE.unpack_from(data)
    if (version, operation, result) != (0, _EXTERNAL_ADDRESS, 0):
        return None
    address = ipaddress.IPv4Address(packed)
    return None if address.is_unspecified else address
