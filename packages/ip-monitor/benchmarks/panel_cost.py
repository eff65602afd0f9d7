"""
What a panel costs beside five plain aiohttp GETs to the same server, and a STUN probe, in one run.

Prints CPU milliseconds each (the median of rounds) and the ratio.
"""

from __future__ import annotations

import asyncio
import ipaddress
import statistics
import threading
import time

import aiohttp
from ip_monitor.adapters.providers.client import HTTPClient
from ip_monitor.adapters.providers.factory import provider_for
from ip_monitor.application.guarding import SourceBreakers
from ip_monitor.application.panel import HEDGE_S, Panel
from ip_monitor.domain.addresses import AddressPolicy, Family
from ip_monitor.domain.ballots import Electorate, prospect, tally
from ip_monitor.domain.providers import ProviderSpec
from ip_monitor.resilience.clock import SystemClock, utc_now
from ip_monitor.testing.stun_server import MockSTUNServer

ROUNDS = 60
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\n203.0.113.7"
ADDRESS = ipaddress.ip_address("203.0.113.7")


class Answering(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if data.endswith(b"\r\n\r\n"):
            self.transport.write(REPLY)


class Servers(threading.Thread):
    """
    An HTTP and a STUN server in a thread with a loop of its own: its CPU time is not counted.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.ready = threading.Event()

    def run(self):
        asyncio.run(self.serve())

    async def serve(self):
        self.loop, self.end = asyncio.get_running_loop(), asyncio.Event()
        server = await self.loop.create_server(Answering, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server, MockSTUNServer(ADDRESS) as stun:
            self.stun = stun.url
            self.ready.set()
            await self.end.wait()


def spec(number, url):
    return ProviderSpec(
        name=f"p{number}",
        operator=f"p{number}",
        family=Family.V4,
        url=url,
        allow_plain_http=True,
        allow_private_address=True,
    )


async def cpu_ms(work):
    for _ in range(5):
        await work()
    costs = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        await work()
        costs.append((time.thread_time() - started) * 1000)
    return statistics.median(costs)


async def measure(servers):
    clock, url = SystemClock(), f"http://127.0.0.1:{servers.port}/"
    client = HTTPClient(policy=AddressPolicy((ipaddress.ip_network("203.0.113.0/24"),)))
    providers = [provider_for(spec(n, url), client=client) for n in range(5)]
    whole = Panel(providers, clock=clock)
    panel = Panel(providers, clock=clock, hedge_s=HEDGE_S, guard=SourceBreakers(clock=clock))
    electorate = Electorate.of(panel.sources, Family.V4)
    canary = provider_for(spec(9, servers.stun), client=client)

    def judge(_family, answers, under_way):
        return prospect(answers, electorate, under_way)

    async def one_panel(panel=panel):
        answers = await panel.ask([Family.V4], on_answer=[].append, judge=judge)
        assert tally(answers, electorate, ADDRESS, at=utc_now(clock)).verdict.is_decisive

    async def one_canary():
        assert (await canary.ask()).address == ADDRESS

    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one():
            async with session.get(url) as response:
                return await response.text()

        async def five_gets():
            await asyncio.gather(*(one() for _ in range(5)))

        baseline, cost, probe = await cpu_ms(five_gets), await cpu_ms(one_panel), await cpu_ms(one_canary)
        of_all = await cpu_ms(lambda: one_panel(whole))
    await client.aclose()
    return baseline, cost, of_all, probe


def main():
    servers = Servers()
    servers.start()
    servers.ready.wait(30)
    baseline, cost, of_all, probe = asyncio.run(measure(servers))
    servers.loop.call_soon_threadsafe(servers.end.set)
    servers.join(30)
    print(f"five GETs, new connections   {baseline:6.2f} ms CPU  baseline")
    print(f"a panel of five, with vote   {cost:6.2f} ms CPU  {cost / baseline:.2f} x (wanted: at most 1.5)")
    print(f"the same, asking all at once {of_all:6.2f} ms CPU  {of_all / baseline:.2f} x")
    print(f"a STUN probe                 {probe:6.2f} ms CPU  (wanted: at most 0.5)")


main()
