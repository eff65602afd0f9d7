"""
A request in the same packet as the end of the TLS handshake.
"""

from __future__ import annotations

import asyncio
import ssl

from hermetic.world.http import MockServer


async def test_a_request_sent_with_the_end_of_the_handshake_is_answered_encrypted():
    """
    The handshake's last flight and the request arrive at once, before the server has its encrypted transport; the
    answer must not go out in the clear.
    """
    async with MockServer("api", seed=1, tls=True) as api:
        api.get("/").text("encrypted")
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = api.authority.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        for _ in range(10):
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65536))
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
