"""
What the kernel has taken from a socket and not sent yet.
"""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

# The bytes of the send queue that were never sent; SIOCOUTQ counts the unacknowledged ones too.
# Source: include/uapi/linux/sockios.h.
_SIOCOUTQNSD = 0x894B


def unsent_bytes(sock: socket.socket) -> int:
    """
    Bytes that were written to a TCP socket and have not gone out; 0 where the platform or the socket cannot tell.
    """
    if sys.platform != "linux" or sock.fileno() == -1:
        return 0
    from fcntl import ioctl  # noqa: PLC0415 - there is none on Windows

    try:
        (count,) = struct.unpack("i", ioctl(sock.fileno(), _SIOCOUTQNSD, bytes(4)))
    except OSError:
        return 0
    return int(count)
