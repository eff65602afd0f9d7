"""
A running server, a client for it, and raw bytes on a socket.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import closing

import aiohttp
import pytest
import trustme  # noqa: F401  # its OpenSSL binding adds modules that no test has to answer for
from hermetic.world.http import MockServer


@pytest.fixture
async def api():
    async with MockServer("test", seed=1) as server:
        yield server


@pytest.fixture
async def client():
    async with aiohttp.ClientSession() as session:
        yield session


class Raw:
    """
    A blocking socket that sends bytes as they are, and reads what comes back until the end, or until it has `want`.
    """

    def __init__(self, server: MockServer) -> None:
        if server.unix is not None:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(server.unix)
        else:
            self.sock = socket.create_connection((server.hosts[0], server.port))
        self.sock.settimeout(10)
        if server.url.startswith("https"):
            context = server.authority.client_context()
            # A server may cut the connection without close_notify; the test looks at bytes, not at manners.
            context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
            self.sock = context.wrap_socket(self.sock, server_hostname="localhost")

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read_until(self, want: bytes, *, count: int = 1) -> bytes:
        got = b""
        while got.count(want) < count:
            piece = self.sock.recv(65536)
            if not piece:
                raise AssertionError(f"closed before {want!r}: {got!r}")
            got += piece
        return got

    def read_to_end(self) -> tuple[bytes, str]:
        """
        Everything, and how it ended: "fin" or "rst".
        """
        got = b""
        while True:
            try:
                piece = self.sock.recv(65536)
            except ConnectionResetError:
                return got, "rst"
            if not piece:
                return got, "fin"
            got += piece

    def close(self) -> None:
        self.sock.close()


@pytest.fixture
def raw():
    made: list[Raw] = []

    def connect(server: MockServer) -> Raw:
        made.append(Raw(server))
        return made[-1]

    yield connect
    for one in made:
        with closing(one):
            pass
