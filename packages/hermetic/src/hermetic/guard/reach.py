"""
Sees what a test asks of the world: addresses outside this machine, and SQLite databases.

Both come from audit events of the interpreter, so the way by which a library was imported does not matter (Source: CPython,
Modules/socketmodule.c and Modules/_sqlite/connection.c).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from hermetic.foundation.events import Event
from hermetic.guard import audit

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.foundation.sink import Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideReached(Event):
    """
    Code asked for something outside this machine; `means` is "connect" for a connection to an address, "resolve" for a name.
    """

    kind: ClassVar[str] = "network.outside"

    host: str
    port: int
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOpened(Event):
    """
    An SQLite database was opened; `database` is what was given to connect, as text.
    """

    kind: ClassVar[str] = "sqlite.opened"

    database: str


def watch(sink: Sink) -> Callable[[], None]:
    """
    Tell `sink` from now on; returns what ends it.
    """

    def connecting(arguments: tuple[Any, ...]) -> None:
        address = arguments[1]
        if isinstance(address, str | bytes):
            return  # the path of a Unix socket
        host = str(address[0])
        if not is_inside(host):
            sink.emit(OutsideReached(at_s=monotonic(), host=host, port=int(address[1]), means="connect"))

    def resolving(arguments: tuple[Any, ...]) -> None:
        host = arguments[0]
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if name and not is_inside(str(name)):
            port = arguments[1] if isinstance(arguments[1], int) else 0
            sink.emit(OutsideReached(at_s=monotonic(), host=str(name), port=port, means="resolve"))

    def opening(arguments: tuple[Any, ...]) -> None:
        sink.emit(DatabaseOpened(at_s=monotonic(), database=str(arguments[0])))

    ends = [
        audit.listen("socket.connect", connecting),
        audit.listen("socket.getaddrinfo", resolving),
        audit.listen("sqlite3.connect", opening),
    ]

    def stop() -> None:
        for end in ends:
            end()

    return stop


def is_inside(host: str) -> bool:
    """
    Whether a host is this machine: an address of the loopback network, one that means all of its own, or a name for it.
    """
    host = host.partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.rstrip(".").lower() == "localhost" or host.lower().rstrip(".").endswith(".localhost")
    return address.is_loopback or address.is_unspecified
