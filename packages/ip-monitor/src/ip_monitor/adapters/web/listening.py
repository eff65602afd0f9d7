"""
The socket that the page is served from, and who has it when it is taken.
"""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from ip_monitor.settings.place import Place

_BACKLOG = 128
# Source: Linux, include/net/tcp_states.h.
_LISTEN = "0A"
_PROC = Path("/proc")
# What was sent and is not taken after so long ends a connection: a client that reads nothing holds nothing for ever.
# Source: tcp(7), TCP_USER_TIMEOUT; RFC 5482.
_UNREAD_MS = 30_000


class PlaceUnavailableError(IPMonitorError, OSError):
    """
    The page cannot be served there.

    Attributes:
        holder: the process that has the port, such as `nginx (812)`; empty when it cannot be told.
    """

    def __init__(self, place: Place, reason: str, *, holder: str = "", remedy: str) -> None:
        self.place = place
        self.holder = holder
        self.text = f"no page at {place}: {reason}{f', by {holder}' if holder else ''}. {remedy}"
        super().__init__(self.text)

    def __str__(self) -> str:
        return self.text


def listen(place: Place) -> socket.socket:
    """
    A listening socket, not blocking.

    Raises:
        PlaceUnavailableError: the port is taken, the address is not this machine's, or the port is not allowed.
    """
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
        listener.bind((place.host, place.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _refusal(place, error) from error
    return listener


def _refusal(place: Place, error: OSError) -> PlaceUnavailableError:
    other = "Choose another with --web or the setting web."
    match error.errno:
        case errno.EADDRINUSE:
            return PlaceUnavailableError(
                place, f"port {place.port} is taken", holder=holder_of(place.port), remedy=other
            )
        case errno.EADDRNOTAVAIL:
            return PlaceUnavailableError(place, f"{place.host} is no address of this machine", remedy=other)
        case errno.EACCES:
            return PlaceUnavailableError(place, f"port {place.port} is not allowed to this user", remedy=other)
        case _:
            return PlaceUnavailableError(place, error.strerror or str(error), remedy=other)


def holder_of(port: int, *, proc: Path = _PROC) -> str:
    """
    The process that listens on a TCP port, as `name (pid)`; empty when it cannot be told, as for other users' processes.

    Source: proc(5), /proc/net/tcp and /proc/pid/fd.
    """
    wanted = {f"socket:[{inode}]" for name in ("tcp", "tcp6") for inode in _listening(proc / "net" / name, port)}
    if not wanted:
        return ""
    for directory in proc.glob("[0-9]*"):
        try:
            if any(_target(link) in wanted for link in (directory / "fd").iterdir()):
                return f"{(directory / 'comm').read_text().strip()} ({directory.name})"
        except OSError:
            continue  # another user's, or gone meanwhile
    return ""


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""  # closed meanwhile, as the one that lists this directory is


def _listening(table: Path, port: int) -> list[str]:
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == _LISTEN and int(row[1].rpartition(":")[2], 16) == port]
