"""
The router and its outer address, by a router's own answers on loopback.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct

import pytest
from ip_monitor.adapters.network.gateway import default_gateway, outer_address

OUTER = ipaddress.IPv4Address("100.70.1.2")


class Router(asyncio.DatagramProtocol):
    def __init__(self, reply):
        self.reply = reply
        self.got = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.got.append(data)
        if self.reply is not None:
            self.transport.sendto(self.reply, addr)


def response(*, version=0, operation=128, result=0, address=OUTER.packed):
    return struct.pack("!BBHI", version, operation, result, 7) + address


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (response(), OUTER),
        (response(result=3), None),
        (response(version=2), None),
        (response(address=bytes(4)), None),
        (b"\x00\x80", None),
        (None, None),
    ],
)
async def test_a_router_tells_its_outer_address_or_nothing(reply, told):
    """
    One question of two zero bytes; errors, other protocols, rubbish and silence are no address.
    """
    loop = asyncio.get_running_loop()
    transport, router = await loop.create_datagram_endpoint(lambda: Router(reply), local_addr=("127.0.0.1", 0))
    try:
        port = transport.get_extra_info("sockname")[1]

        assert await outer_address("127.0.0.1", port=port, timeout_s=5.0 if reply else 0.05) == told
        assert router.got == [b"\x00\x00"]
    finally:
        transport.close()


async def test_a_router_that_refuses_is_no_error():
    """
    Nobody listens there.
    """
    assert await outer_address("127.0.0.1", port=1) is None


def test_the_default_route_with_the_lowest_metric_names_the_router(tmp_path):
    """
    Routes without a gateway and broken lines are passed over.
    """
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        "broken\tline\n"
    )

    assert str(default_gateway(table)) == "192.168.1.1"
    assert default_gateway(tmp_path / "none") is None
