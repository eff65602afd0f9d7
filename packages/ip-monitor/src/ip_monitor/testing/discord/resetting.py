"""
Ending a TCP connection with a reset, as a crashed machine or a firewall does.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


def reset(transport: asyncio.BaseTransport | None) -> None:
    """
    Without SO_LINGER at zero, `abort` sends an ordinary end (FIN) and no reset.
    """
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Every transport of a TCP connection has it; the base class does not declare it.
    getattr(transport, "abort", transport.close)()
