"""
Good and bad clients, real ones, judged by what the server saw of them.
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from hermetic.foundation import SystemClock
from hermetic.world.http import MockServer, fail, fixed_window, ok
from hermetic.world.http.errors import ConductError

TIMEOUT = aiohttp.ClientTimeout(total=10)


class HandClock(SystemClock):
    """
    Stands where it is put, so that waiting a minute takes no time.
    """

    now = 1_000_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


async def ask(client, server) -> aiohttp.ClientResponse:
    async with client.get(server.url, timeout=TIMEOUT) as reply:
        await reply.read()
        return reply


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_client_that_waits_as_told_honours_a_rate_limit(form):
    """
    Against a real limit, in both forms of Retry-After; one that asks a moment earlier does not.
    """
    clock = HandClock()
    async with MockServer("api", seed=1, clock=clock) as api, aiohttp.ClientSession() as client:
        api.rate_limit(fixed_window(1, 60), form=form).get("/").text("x")
        assert [(await ask(client, api)).status for _ in range(2)] == [200, 429]
        clock.now += 60

        assert (await ask(client, api)).status == 200
        api.conduct().assert_honoured_retry_after()

        assert (await ask(client, api)).status == 429
        clock.now += 59.5
        await ask(client, api)
        with pytest.raises(ConductError, match=r"did not honour Retry-After: .* 0\.500 s too early"):
            api.conduct().assert_honoured_retry_after()


async def test_back_off_is_seen_between_failures():
    """
    The route fails three times; the client waits 1, 2 and 4 seconds.
    """
    clock = HandClock()
    async with MockServer("api", seed=1, clock=clock) as api, aiohttp.ClientSession() as client:
        route = api.get("/").text("x").then(fail(503, times=3), ok())
        for pause in (1, 2, 4, 0):
            await ask(client, api)
            clock.now += pause

        route.conduct().assert_backed_off(least_s=1)
        with pytest.raises(ConductError, match=r"retry 1 came 1\.000 s after the failure before it, and not 1\.500 s"):
            route.conduct().assert_backed_off(least_s=1.5)


async def test_concurrency_is_counted_while_requests_wait():
    """
    Ten requests through a client bounded to three, and through one that is not.
    """
    async with MockServer("api", seed=1) as api:
        route = api.get("/").delay(0.02).text("x")
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=3)) as client:
            await asyncio.gather(*(ask(client, api) for _ in range(10)))
        route.conduct().assert_concurrency_at_most(3)
        route.forget_calls()
        async with aiohttp.ClientSession() as client:
            await asyncio.gather(*(ask(client, api) for _ in range(10)))

        assert route.conduct().peak_concurrency() == 10
        with pytest.raises(ConductError, match="requests were in flight at once, and not 3 at most"):
            route.conduct().assert_concurrency_at_most(3)


async def test_connections_are_reused_by_a_session_and_not_by_many():
    """
    Five requests over one connection, and over five.
    """
    async with MockServer("api", seed=1) as api:
        route = api.get("/").text("x")
        async with aiohttp.ClientSession() as client:
            for _ in range(5):
                await ask(client, api)
        route.conduct().assert_reused_connections()
        for _ in range(2):
            async with aiohttp.ClientSession() as client:
                await ask(client, api)
        with pytest.raises(ConductError, match="7 requests came over 3 connections"):
            route.conduct().assert_reused_connections()


async def test_closed_connections_are_told_from_open_ones():
    """
    A session left open keeps its connection; the failure names it.
    """
    async with MockServer("api", seed=1) as api:
        route = api.get("/").text("x")
        async with aiohttp.ClientSession() as client:
            await ask(client, api)
            with pytest.raises(
                ConductError,
                match=r"1 connections are still open after 0 s: connection 1 from 127\.0\.0\.1:\d+ \(1 requests\)",
            ):
                await route.conduct().assert_closed_connections(timeout=0)
        await route.conduct().assert_closed_connections(timeout=10)
        await api.conduct().assert_closed_connections(timeout=10)


async def test_a_client_that_gives_up_abandons_its_request():
    """
    It leaves while the server still waits; the assertion that nobody did fails.
    """
    async with MockServer("api", seed=1) as api, aiohttp.ClientSession() as client:
        route = api.get("/").delay(60).text("x")
        asking = asyncio.ensure_future(ask(client, api))
        await route.wait_for(1)
        asking.cancel()
        await asyncio.wait({asking})
        await route.wait_for(1, finished=True)

        route.conduct().assert_abandoned(1)
        with pytest.raises(ConductError, match="1 requests were abandoned, and not 0"):
            route.conduct().assert_abandoned_none()


async def test_a_cancelled_client_stops_asking():
    """
    Since the moment of its cancellation nothing comes; one that goes on is seen.
    """
    async with MockServer("api", seed=1) as api, aiohttp.ClientSession() as client:
        route = api.get("/").text("x")

        async def polling() -> None:
            while True:
                await ask(client, api)

        task = asyncio.ensure_future(polling())
        await route.wait_for(3)
        task.cancel()
        await asyncio.wait({task})
        cancelled = api.now()

        api.conduct().since(cancelled).assert_quiet()
        await ask(client, api)
        with pytest.raises(ConductError, match="1 requests came when none should"):
            api.conduct().since(cancelled).assert_quiet()
