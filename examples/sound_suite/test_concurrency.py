"""
Concurrency, mended: a server answers every call, and says afterwards how many there were.
"""

import asyncio

import aiohttp
from hermetic import MockServer


async def test_fifty_checks_at_once():
    async with MockServer("ip", seed=1) as api, aiohttp.ClientSession() as session:
        route = api.get("/ip").text("198.51.100.7")

        async def ask():
            async with session.get(api.url_for("/ip")) as answer:
                return await answer.text()

        answers = await asyncio.gather(*(ask() for _ in range(50)))
        assert answers == ["198.51.100.7"] * 50
        assert route.call_count == 50
