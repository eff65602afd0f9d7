"""
Asking from a certain address or interface, seen from the server's side.
"""

from __future__ import annotations

import asyncio
import ipaddress

import pytest
from ip_monitor.adapters.providers.client import HTTPClient
from ip_monitor.adapters.providers.factory import provider_for
from ip_monitor.domain.addresses import AddressPolicy, Family
from ip_monitor.domain.answers import FailureKind
from ip_monitor.domain.providers import ProviderSpec
from ip_monitor.domain.way_out import WayOut, WayOutRefusedError

POLICY = AddressPolicy((ipaddress.ip_network("127.0.0.0/8"),))


class Echo(asyncio.Protocol):
    """
    Tells who asks, as the services of the world do.
    """

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        host = self.transport.get_extra_info("peername")[0].encode()
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(host)
        self.transport.write(head + host)
        self.transport.close()


@pytest.fixture
async def ask():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clients = []

    async def one(url, via):
        clients.append(HTTPClient(policy=POLICY, via=WayOut.parse(via)))
        spec = ProviderSpec(
            name="p",
            operator="p",
            family=Family.V4,
            url=url.format(port=port),
            allow_plain_http=True,
            allow_private_address=True,
        )
        return await provider_for(spec, client=clients[-1]).ask()

    yield one
    for client in clients:
        await client.aclose()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(("via", "seen"), [("127.0.0.7", "127.0.0.7"), ("lo", "127.0.0.1"), ("", "127.0.0.1")])
async def test_the_server_sees_the_address_that_was_chosen(ask, via, seen):
    """
    By address, by interface, and without a choice.
    """
    assert str((await ask("http://127.0.0.1:{port}/", via)).address) == seen


async def test_the_interface_source_goes_the_same_way(ask):
    """
    What this machine would send from, by the way that was chosen.
    """
    assert str((await ask("interface://127.0.0.1/", "127.0.0.9")).address) == "127.0.0.9"


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "stun://127.0.0.1:{port}"])
@pytest.mark.parametrize("via", ["203.0.113.9", "no-such-if0"])
async def test_a_way_out_that_is_not_there_is_a_clear_failure(ask, url, via):
    """
    It names the way, and nothing is asked by another.
    """
    failure = (await ask(url, via)).failure

    assert failure.kind is FailureKind.UNREACHABLE
    assert via in failure.detail


@pytest.mark.parametrize("text", ["a/b", "an interface", "x" * 16, "1.2.3.4/24"])
def test_other_texts_are_refused(text):
    """
    Neither an interface nor an address.
    """
    with pytest.raises(WayOutRefusedError, match="name an interface"):
        WayOut.parse(text)
