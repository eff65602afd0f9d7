"""
Sees what a test asks of the world: addresses outside this machine, and SQLite databases.

Both come from audit events of the interpreter, so the way by which a library was imported does not matter (Source: CPython,
Modules/socketmodule.c and Modules/_sqlite/connection.c).
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from hermetic.guard import audit, late

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.foundation.sink import Sink


# Needed only when something was reached.
_EVENTS = "hermetic.guard.reached"


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
            sink.emit(
                late.load(_EVENTS).OutsideReached(at_s=monotonic(), host=host, port=int(address[1]), means="connect")
            )

    def resolving(arguments: tuple[Any, ...]) -> None:
        host = arguments[0]
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if name and not is_inside(str(name)):
            port = arguments[1] if isinstance(arguments[1], int) else 0
            sink.emit(late.load(_EVENTS).OutsideReached(at_s=monotonic(), host=str(name), port=port, means="resolve"))

    def opening(arguments: tuple[Any, ...]) -> None:
        sink.emit(late.load(_EVENTS).DatabaseOpened(at_s=monotonic(), database=str(arguments[0])))

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
        address = late.load("ipaddress").ip_address(host)
    except ValueError:
        return host.rstrip(".").lower() == "localhost" or host.lower().rstrip(".").endswith(".localhost")
    return bool(address.is_loopback or address.is_unspecified)
