"""
Clients that take a large reply slowly, or leave it in the middle.
"""

from __future__ import annotations

import asyncio

import pytest
from hermetic import wait_until
from hermetic.world.http import MockServer, Reply

# Far more than the kernel takes for both ends of a connection.
LARGE = bytes(range(256)) * 2**17


async def ask(server, path):
    """
    A connection of its own that has asked for `path`.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    return reader, writer


@pytest.fixture
async def begun():
    """
    A server that writes a large reply piece by piece, and a connection that has asked for it and read its first line alone.
    """
    async with MockServer("large", seed=1) as server:
        server.get("/large").reply(Reply(200, body=LARGE)).latency(body=0.001)
        server.get("/small").text("small")
        reader, writer = await ask(server, "/large")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        yield server, reader, writer
        writer.close()


async def test_a_reply_waits_for_a_client_that_reads_slowly(begun):
    """
    It is under way until then, and nothing of it is lost.
    """
    server, reader, _ = begun
    [call] = server.calls
    before = call.outcome
    said = await reader.read()
    await wait_until(lambda: call.outcome != before, deadline=5)

    assert said.endswith(b"\r\n\r\n" + LARGE)
    assert (before, call.outcome) == ("in flight", "replied")


async def test_a_client_that_leaves_in_the_middle_holds_nobody(begun):
    """
    The server stops waiting for it, and serves the next one.
    """
    server, _, writer = begun
    writer.transport.abort()
    await wait_until(lambda: server.calls[0].outcome == "client gone", deadline=5)
    reader, other = await ask(server, "/small")
    said = await reader.read()
    other.close()

    assert said.endswith(b"\r\n\r\nsmall")
