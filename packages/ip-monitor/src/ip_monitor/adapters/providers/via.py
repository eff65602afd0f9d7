"""
Making a socket go one way out of several.

Source: SO_BINDTODEVICE in socket(7); since Linux 5.7 it needs no privilege for a socket that is not bound yet.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from ip_monitor.domain.addresses import Family, family_of
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from ip_monitor.domain.way_out import WayOut

_FAMILIES = {socket.AF_INET: Family.V4, socket.AF_INET6: Family.V6}


class WayOutMissingError(IPMonitorError, OSError):
    """
    A socket cannot be bound to the way out, because the interface or the address is not there.
    """


def bind(made: socket.socket, way: WayOut) -> None:
    """
    Make a socket that is not connected yet go this way.

    Raises:
        WayOutMissingError: there is no such interface or address here.
    """
    try:
        if way.interface:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, way.interface.encode())
        elif way.address is not None and _FAMILIES.get(made.family) is family_of(way.address):
            made.bind((str(way.address), 0))
    except OSError as error:
        raise WayOutMissingError(
            error.errno or errno.EADDRNOTAVAIL,
            f"nothing can be sent by way of {way}: {error.strerror}. Look at `via` and at this machine's interfaces.",
        ) from error


def open_socket(way: WayOut | None, family: int, kind: int, protocol: int = 0) -> socket.socket:
    """
    A non-blocking socket, which goes this way if there is one.

    Raises:
        WayOutMissingError: as `bind`.
    """
    made = socket.socket(family, kind, protocol)
    try:
        made.setblocking(False)  # noqa: FBT003 - the signature is the standard library's
        if way is not None:
            bind(made, way)
    except BaseException:
        made.close()
        raise
    return made
