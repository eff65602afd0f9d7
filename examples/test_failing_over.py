"""
A client that asks the next server when one does not answer, tried against a cluster in every state of a swizzle.
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from hermetic.world.http import MockCluster


class FailingOver:
    """
    The code under test.
    """

    def __init__(self, urls: list[str], *, timeout: float) -> None:
        self._urls = urls
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def address(self) -> str:
        async with aiohttp.ClientSession(timeout=self._timeout, headers={"Hermetic-Client": "me"}) as session:
            for url in self._urls:
                try:
                    async with session.get(f"{url}/ip") as reply:
                        if reply.status == 200:
                            return await reply.text()
                except (aiohttp.ClientError, TimeoutError):
                    continue
        raise LookupError("no server answers")


@pytest.fixture
async def cluster():
    async with MockCluster(["a", "b", "c"], seed=2) as servers:
        servers.get("/ip").text("203.0.113.7")
        yield servers


async def test_the_address_is_found_in_every_state_of_a_swizzle(cluster):
    """
    Servers go down one by one and come up in another order; as long as one is up, it is found.
    """
    client = FailingOver(cluster.urls, timeout=5)

    async def between(step):
        if cluster.up_names:
            assert await client.address() == "203.0.113.7", f"after {step.server} went {step.change}"
        else:
            with pytest.raises(LookupError):
                await client.address()

    for _ in range(3):
        await cluster.swizzle(between=between)


async def test_a_partition_is_waited_out_and_passed_by(cluster):
    """
    The first server gets our requests but its replies do not reach us: after the time-out the second one answers.
    """
    client = FailingOver(cluster.urls, timeout=2)
    with cluster.partition("me", servers=["a"], way="replies"):
        assert await client.address() == "203.0.113.7"

    assert len(cluster["a"].calls) == 1


async def test_concurrent_clients_survive_an_outage(cluster):
    """
    Twenty at once, while two of three servers go away and come back.
    """
    client = FailingOver(cluster.urls, timeout=5)
    async with cluster.outage("a", "c"):
        found = await asyncio.gather(*(client.address() for _ in range(20)))

    assert {"203.0.113.7"} == set(found)
