"""
A client that waits as it is told and backs off by itself, judged by what the server saw of it.
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from hermetic.world.http import MockServer, fail, ok
from hermetic.world.http.errors import ConductError


async def address(url: str, *, first_pause: float, obeys: bool = True) -> str:
    """
    The code under test: five tries, twice the pause each time, longer when the server says so.
    """
    pause = first_pause
    async with aiohttp.ClientSession() as session:
        for _ in range(5):
            async with session.get(url) as reply:
                if reply.status == 200:
                    return await reply.text()
                told = float(reply.headers.get("Retry-After", 0)) if obeys else 0.0
            await asyncio.sleep(max(pause, told))
            pause *= 2
    raise LookupError("five tries were not enough")


async def test_the_client_waits_as_long_as_it_is_told():
    """
    One refusal with Retry-After: 1, and a second that is over in a moment would be too early.
    """
    async with MockServer("ip", seed=1) as api:
        route = api.get("/ip").text("203.0.113.7").then(fail(429, headers={"Retry-After": "1"}), ok())

        assert await address(api.url_for("/ip"), first_pause=0.01) == "203.0.113.7"
        route.conduct().assert_honoured_retry_after()


async def test_a_client_that_does_not_is_found_out():
    """
    The failure shows both calls.
    """
    async with MockServer("ip", seed=1) as api:
        route = api.get("/ip").text("203.0.113.7").then(fail(429, headers={"Retry-After": "60"}), ok())
        await address(api.url_for("/ip"), first_pause=0.01, obeys=False)

        with pytest.raises(ConductError, match="did not honour Retry-After"):
            route.conduct().assert_honoured_retry_after()


async def test_the_client_backs_off_and_keeps_one_connection():
    """
    Three failures in a row: pauses of 10, 20 and 40 ms at least, over one connection, one request at a time.
    """
    async with MockServer("ip", seed=1) as api:
        route = api.get("/ip").text("203.0.113.7").then(fail(503, times=3), ok())
        await address(api.url_for("/ip"), first_pause=0.01)
        conduct = route.conduct()

        conduct.assert_backed_off(least_s=0.01, growth=2)
        conduct.assert_reused_connections()
        conduct.assert_concurrency_at_most(1)
        await conduct.assert_closed_connections()
