"""
The first and the last moments of a TLS connection.
"""

from __future__ import annotations

import asyncio
import ssl

from hermetic.world.http import MockServer


async def handshake(api, reader, writer):
    """
    The client's side by hand. Its last flight is left to be sent.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = api.authority.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    for _ in range(10):
        try:
            session.do_handshake()
            break
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
            incoming.write(await reader.read(65536))
    return session, incoming, outgoing


async def test_a_request_sent_with_the_end_of_the_handshake_is_answered_encrypted():
    """
    The handshake's last flight and the request arrive at once, before the server has its encrypted transport; the
    answer must not go out in the clear.
    """
    async with MockServer("api", seed=1, tls=True) as api:
        api.get("/").text("encrypted")
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        session, incoming, outgoing = await handshake(api, reader, writer)
        session.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        writer.write(outgoing.read())
        # As far as the server's close_notify: it waits for ours before it closes the connection.
        got = b""
        for _ in range(100):
            try:
                some = session.read(65536)
            except ssl.SSLWantReadError:
                incoming.write(await reader.read(65536))
                continue
            if not some:
                break
            got += some
        writer.close()
        await writer.wait_closed()

    assert got.endswith(b"\r\n\r\nencrypted")


async def test_a_connection_that_was_closed_twice_is_gone_when_the_server_stops():
    """
    The server's close_notify is never answered, and a second reason to close comes; the stop still resets the connection.
    """
    api = MockServer("api", seed=1, tls=True, in_loop=True)
    await api.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    _, _, outgoing = await handshake(api, reader, writer)
    writer.write(outgoing.read())
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
