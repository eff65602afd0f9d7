"""
Ending TLS connections whose client says nothing more.
"""

from __future__ import annotations

import asyncio
import ssl

from hermetic.world.http import MockServer


async def handshake(api, reader, writer):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = api.authority.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    for _ in range(10):
        try:
            session.do_handshake()
            break
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
            incoming.write(await reader.read(65536))
    writer.write(outgoing.read())


async def test_a_connection_that_was_closed_twice_is_gone_when_the_server_stops():
    """
    The server's close_notify is never answered, and a second reason to close comes; the stop still resets the connection.
    """
    api = MockServer("api", seed=1, tls=True, in_loop=True)
    await api.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    await handshake(api, reader, writer)
    async with asyncio.timeout(5):
        while not api.accepted or not any(one.number for one in api._core.connections):  # noqa: ASYNC110 - the handshake's end is the server's
            await asyncio.sleep(0)
    [connection] = api._core.connections
    connection.close()
    connection.close()

    report = await api.stop()

    assert report.is_clean, report
    assert connection.is_lost
    writer.close()
