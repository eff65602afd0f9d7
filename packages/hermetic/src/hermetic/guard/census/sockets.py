"""
Sockets, seen through the audit event `socket.__new__`, which passes the socket itself however it came about: by name,
by accept, as one of a pair (Source: CPython, Modules/socketmodule.c).
"""

from __future__ import annotations

import _socket
import contextlib
import socket
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard import audit
from hermetic.guard.census.tracker import Basic

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake


class Sockets(Basic):
    kind = "socket"
    noun = "socket"
    title = "Socket"
    rank = 20
    remedy = Remedy(
        text="Close it, also when the code between raises:",
        code="with socket.create_connection(address) as connection:\n    …",
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        def made(arguments: tuple[Any, ...]) -> None:
            made_socket = arguments[0]
            if isinstance(made_socket, socket.socket):  # the C base class has no weak references
                intake.opened(self, made_socket, skip=3)

        return audit.listen("socket.__new__", made)

    def is_open(self, resource: socket.socket) -> bool:
        # Not through the instance: a test may have replaced its methods.
        return _socket.socket.fileno(resource) != -1

    def subject(self, resource: socket.socket, note: str) -> str:
        del note
        return f"{_type(resource)} {_ends(resource)}"

    def evidence(self, resource: socket.socket) -> list[str]:
        with contextlib.suppress(OSError, AttributeError):
            if resource.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return ["it is listening"]
        return []

    def mend(self, resource: socket.socket) -> str:
        # close() waits for files made of it; this closes the descriptor now.
        _socket.socket.close(resource)
        return "closed"


def _type(one: socket.socket) -> str:
    family = _name(one.family).removeprefix("AF_")
    return f"{_name(one.type).removeprefix('SOCK_').lower()} {family}"


def _name(value: Any) -> str:
    return str(getattr(value, "name", value))


def _ends(one: socket.socket) -> str:
    ends: list[str] = []
    for ask in (one.getsockname, one.getpeername):
        with contextlib.suppress(OSError):
            ends.append(address(ask()))
    return " to ".join(end for end in ends if end) or "not bound"


def address(value: object) -> str:
    """
    A socket address as people write it: host:port, [v6]:port, or a path.
    """
    if isinstance(value, tuple):
        parts: list[Any] = [*value, "", ""]
        host, port = parts[:2]
        return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
