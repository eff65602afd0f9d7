"""
The listening sockets of a server, and what can be done to them: listen, refuse, swallow.

Each TCP address is held by a second socket that is bound and never listens. While nothing listens beside it the
kernel refuses connections, yet the port stays ours: it is neither handed out as a free one nor, without
SO_REUSEADDR, bound by others. Both sockets carry SO_REUSEADDR, which on Linux lets them share the address as long
as only one of them listens (net/ipv4/inet_connection_sock.c, inet_csk_bind_conflict).

Connections are accepted here and not by asyncio's Server: that one loses a connection, with a warning about an
unclosed transport, when it is closed between accepting it and making its transport (base_events.py, Server._attach
asserts that the server is open), and a mock server is closed all the time.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hermetic.world.http.errors import PortTakenError, StartFailedError
from hermetic.world.http.port_holder import holder_of

if TYPE_CHECKING:
    from collections.abc import Callable

# The kernel cuts it to net.core.somaxconn.
BACKLOG = 4096
# A port free in one family may be taken in the other; another free one is tried.
_PORT_TRIES = 20
# With a backlog of 0 Linux queues one connection; a second one is kept half-open.
_FILLERS = 4
# Accepted in one turn of the loop; the rest in the next, so that connections already there get their turn.
_ACCEPTS = 100
# After running out of descriptors.
_PAUSE_S = 0.5

Mode = Literal["closed", "open", "refused", "black hole"]


class Listener:
    """
    Used on the server's loop, except for `shut_down_from_outside`.
    """

    def __init__(
        self,
        *,
        server: str,
        hosts: tuple[str, ...],
        port: int,
        unix: str | None,
        factory: Callable[[], asyncio.Protocol],
    ) -> None:
        self.port = port
        self.mode: Mode = "closed"
        self._server = server
        self._hosts = hosts
        self._unix = unix
        self._factory = factory
        self._guards: list[socket.socket] = []
        self._accepting: set[asyncio.Task[tuple[asyncio.Transport, asyncio.Protocol]]] = set()
        self._listening: list[socket.socket] = []
        self._fillers: list[socket.socket] = []

    def open(self) -> None:
        """
        Take the addresses and listen.

        Raises:
            PortTakenError: an address is in use.
            StartFailedError: it cannot be had for another reason.
        """
        if self._unix is not None:
            self._listen_on(self._unix_socket(self._unix))
        else:
            self._reserve()
            self._listen()
        self.mode = "open"

    def reopen(self) -> None:
        """
        Listen again after `refuse` or `swallow`.
        """
        self._drop_listening()
        if self._unix is not None:
            self._drop_guards()
            self._listen_on(self._unix_socket(self._unix))
        else:
            self._listen()
        self.mode = "open"

    def refuse(self) -> None:
        """
        Connections are refused while the port stays reserved. Open connections are not touched.
        """
        self._drop_listening()
        if self._unix is not None:
            # A file without a socket behind it refuses too, one that is not there only looks as if nobody had started.
            self._guards.append(self._unix_socket(self._unix))
        self.mode = "refused"

    def swallow(self) -> None:
        """
        Connection attempts get no answer at all, so that clients run into their connect time-out.
        """
        self._drop_listening()
        for guard in self._guards:
            hole = _bound(guard.family, guard.getsockname()[:2])
            hole.listen(0)
            self._listening.append(hole)
            for _ in range(_FILLERS):
                filler = socket.socket(guard.family, socket.SOCK_STREAM)
                filler.settimeout(0)
                filler.connect_ex(guard.getsockname())
                self._fillers.append(filler)
        self.mode = "black hole"

    def close(self) -> None:
        """
        Nothing of it is left; idempotent.
        """
        self._drop_listening()
        self._drop_guards()
        self.mode = "closed"

    def shut_down_from_outside(self) -> None:
        """
        From another thread, when the server's own is blocked: stop listening without closing descriptors.
        """
        for sock in self._listening:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    # ------------------------------------------------------------ sockets

    def _reserve(self) -> None:
        fixed = self.port != 0
        for attempt in range(_PORT_TRIES):
            port = self.port
            try:
                for host in self._hosts:
                    guard = _bound(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port))
                    self._guards.append(guard)
                    port = guard.getsockname()[1]
            except OSError as error:
                self.close()
                if not fixed and error.errno == errno.EADDRINUSE and attempt < _PORT_TRIES - 1:
                    continue
                raise self._failure(error, port) from error
            except OverflowError as error:
                self.close()
                raise StartFailedError(
                    server=self._server, address=f"port {port}", why="a port is a number from 0 to 65535"
                ) from error
            self.port = port
            return

    def _listen(self) -> None:
        try:
            for guard in self._guards:
                self._listen_on(_bound(guard.family, guard.getsockname()[:2]))
        except OSError as error:
            port = self.port
            self.close()
            raise self._failure(error, port) from error

    def _listen_on(self, sock: socket.socket) -> None:
        sock.settimeout(0)
        self._listening.append(sock)
        sock.listen(BACKLOG)
        self._watch(sock)

    def _watch(self, sock: socket.socket) -> None:
        # Called again after a pause, when the socket may have been closed.
        if sock.fileno() != -1:
            asyncio.get_running_loop().add_reader(sock, self._accept, sock)

    def _accept(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_ACCEPTS):
            try:
                connection, _ = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # Out of descriptors or memory: the connection stays queued and would wake the loop without end.
                loop.remove_reader(sock)
                loop.call_later(_PAUSE_S, self._watch, sock)
                loop.call_exception_handler(
                    {"message": f"server {self._server!r} cannot accept a connection", "exception": error}
                )
                return
            connection.settimeout(0)
            task = loop.create_task(loop.connect_accepted_socket(self._factory, connection))
            self._accepting.add(task)
            task.add_done_callback(self._accepted)

    def _accepted(self, task: asyncio.Task[tuple[asyncio.Transport, asyncio.Protocol]]) -> None:
        self._accepting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"server {self._server!r} lost a connection", "exception": error}
            )

    async def settled(self) -> None:
        """
        Return when every connection accepted so far is known to its protocol: after two turns of the loop.
        """
        while self._accepting:
            await asyncio.wait(self._accepting)

    def _unix_socket(self, path: str) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _unlink_stale(path)
            sock.bind(path)
        except OSError as error:
            sock.close()
            raise self._failure(error, 0) from error
        return sock

    def _drop_listening(self) -> None:
        for filler in self._fillers:
            filler.close()
        for sock in self._listening:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        if self._unix is not None and self._listening:
            Path(self._unix).unlink(missing_ok=True)
        self._fillers.clear()
        self._listening.clear()

    def _drop_guards(self) -> None:
        if self._unix is not None and self._guards:
            Path(self._unix).unlink(missing_ok=True)
        for guard in self._guards:
            guard.close()
        self._guards.clear()

    def _failure(self, error: OSError, port: int) -> PortTakenError | StartFailedError:
        address = self._unix or f"{', '.join(self._hosts)} port {port}"
        if error.errno == errno.EADDRINUSE:
            return PortTakenError(server=self._server, address=address, holder=holder_of(port) if port else None)
        return StartFailedError(server=self._server, address=address, why=error.strerror or str(error))


def _bound(family: int, address: tuple[str, int]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # Else "::" would take the IPv4 port too, and the two listeners could not share a number.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _unlink_stale(path: str) -> None:
    """
    Remove a socket file that nobody listens on, as a crashed process leaves it.
    """
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):  # noqa: PTH116  # a path may be relative to the current directory
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink(missing_ok=True)
        except OSError:
            return
