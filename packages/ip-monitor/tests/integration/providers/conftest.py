"""
Raw servers on loopback that answer with exactly the bytes they are given.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress

import pytest
from ip_monitor.adapters.providers.http import HTTPClient
from ip_monitor.domain.addresses import AddressPolicy


class RawServer:
    """
    Reads one request head a connection, answers with `reply` and closes. `hang` keeps the connection open instead.
    """

    def __init__(self, reply=b"", *, hang=False, drop=False):
        self.reply = reply
        self.hang = hang
        self.drop = drop
        self.heads = []
        self.asked = asyncio.Event()
        self.tasks = set()

    async def start(self, host="127.0.0.1", ssl=None):
        self.server = await asyncio.start_server(self.serve, host, 0, ssl=ssl)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            self.asked.set()
            if not self.drop:
                writer.write(self.reply)
                await writer.drain()
            if self.hang:
                await asyncio.Event().wait()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(asyncio.current_task())
            writer.close()
            with contextlib.suppress(ConnectionError, OSError):
                await writer.wait_closed()

    async def stop(self):
        self.server.close()
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.server.wait_closed()


@pytest.fixture
async def serve():
    servers = []

    async def start(reply=b"", *, host="127.0.0.1", ssl=None, **behaviour):
        server = await RawServer(reply, **behaviour).start(host, ssl)
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()


@pytest.fixture
async def client():
    client = HTTPClient(policy=AddressPolicy((ipaddress.ip_network("203.0.113.0/24"),)))
    yield client
    await client.aclose()


@pytest.fixture
def respond():
    """
    The bytes of a reply: status line, headers, body with its length.
    """

    def build(body=b"", *, status=200, headers=()):
        body = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}", "Connection: close", *headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    return build
