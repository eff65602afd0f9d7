"""
Servers that go down and come up, and messages that are held on their way.
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from hermetic.world.http import MockServer
from hermetic.world.http.errors import NotRunningError, ServerError

TIMEOUT = aiohttp.ClientTimeout(total=10)


async def ask(client, server, *, who: str | None = None, path: str = "/"):
    headers = {} if who is None else {"Hermetic-Client": who}
    async with client.get(server.url_for(path), headers=headers, timeout=TIMEOUT) as reply:
        return await reply.text()


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # waits for another thread's state, which has no event
            await asyncio.sleep(0.001)


async def test_a_server_that_is_down_refuses_on_its_own_port_and_forgets_nothing(api, client):
    """
    Open connections are reset, new ones refused; up again it is on the same port with its calls and routes.
    """
    route = api.get("/").text("here")
    port = api.port
    await ask(client, api)
    await api.down()

    assert (api.is_running, api.is_down) == (True, True)
    with pytest.raises(aiohttp.ClientConnectorError) as refused:
        await ask(client, api)
    assert isinstance(refused.value.os_error, ConnectionRefusedError)

    await api.down()
    await api.up()
    await api.up()

    assert await ask(client, api) == "here"
    assert (port, 2, False) == (api.port, route.call_count, api.is_down)


async def test_going_down_resets_a_request_in_flight(api, client):
    """
    As if the machine were gone: the client does not wait.
    """
    route = api.get("/").delay(60).text("never")
    asking = asyncio.ensure_future(ask(client, api))
    await route.wait_for(1)
    await api.down()

    with pytest.raises((aiohttp.ClientConnectionError, ConnectionResetError)):
        await asking


def test_down_and_up_without_a_loop():
    """
    The blocking forms do the same; before the start there is nothing to take down.
    """
    server = MockServer("plain", seed=1)
    with pytest.raises(NotRunningError, match="going down"):
        server.down_blocking()
    with server:
        server.down_blocking()
        assert server.is_down
        server.up_blocking()
        assert not server.is_down


async def test_a_server_in_the_callers_loop_goes_down_and_up():
    """
    In its caller's loop it can only be told by awaiting.
    """
    async with MockServer("loop", seed=1, in_loop=True) as server, aiohttp.ClientSession() as client:
        server.get("/").text("here")
        with pytest.raises(ServerError, match="in_loop=True"):
            server.down_blocking()
        await server.down()
        with pytest.raises(aiohttp.ClientConnectorError):
            await ask(client, server)
        await server.up()

        assert await ask(client, server) == "here"


async def test_a_held_request_arrives_when_it_is_released(api, client):
    """
    Until then the server knows nothing of it.
    """
    route = api.get("/").text("late")
    with api.hold() as hold:
        asking = asyncio.ensure_future(ask(client, api))
        await until(lambda: api.holds.waiting == 1)

        assert (route.call_count, asking.done(), repr(hold)) == (0, False, "<Hold of requests of everyone>")

    assert (await asking, route.call_count, api.holds.waiting) == ("late", 1, 0)


async def test_a_held_reply_was_long_served(api, client):
    """
    The server has done its work, the client hears of it when it is released.
    """
    route = api.get("/").text("late")
    with api.hold(way="replies"):
        asking = asyncio.ensure_future(ask(client, api))
        await until(lambda: api.holds.waiting == 1)

        assert (route.call_count, asking.done(), route.calls[0].sent_bytes) == (1, False, 0)

    assert await asking == "late"


async def test_a_hold_of_one_client_lets_the_others_through(api, client):
    """
    By the label that clients give themselves.
    """
    api.get("/").text("through")
    with api.hold(clients={"a"}, way="both"):
        asking = asyncio.ensure_future(ask(client, api, who="a"))
        await until(lambda: api.holds.waiting == 1)

        assert await ask(client, api, who="b") == "through"
        assert await ask(client, api) == "through"
        assert not asking.done()

    assert await asking == "through"


async def test_two_holds_must_both_be_released(api, client):
    """
    What two partitions cut is whole when both are healed; releasing twice is harmless.
    """
    api.get("/").text("x")
    first, second = api.hold(), api.hold(clients={"a"})
    asking = asyncio.ensure_future(ask(client, api, who="a"))
    await until(lambda: api.holds.waiting == 1)
    first.release()
    first.release()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(asking), 0.02)
    second.release()

    assert await asking == "x"


async def test_a_client_that_leaves_is_not_served_later(api, client):
    """
    What was held for it is dropped.
    """
    route = api.get("/").text("x")
    with api.hold():
        asking = asyncio.ensure_future(ask(client, api))
        await until(lambda: api.holds.waiting == 1)
        asking.cancel()
        await until(lambda: api.holds.waiting == 0)

    assert route.call_count == 0


@pytest.mark.parametrize("way", ["requests", "replies"])
async def test_a_server_stops_at_once_with_held_messages(client, way):
    """
    A hold does not keep a server alive.
    """
    api = await MockServer("test", seed=1).start()
    api.get("/").text("x")
    api.hold(way=way)
    asking = asyncio.ensure_future(ask(client, api))
    await until(lambda: api.holds.waiting == 1)
    report = await api.stop()

    assert report.blocked_at is None
    with pytest.raises((aiohttp.ClientConnectionError, ConnectionResetError)):
        await asking
    assert api.holds.waiting == 0


async def test_draws_go_on_over_a_restart():
    """
    The first request after a restart is not the first of the run again, or a ledger would name two requests alike.
    """
    from hermetic.foundation import ListSink
    from hermetic.world.http.decisions import ExchangeEnded

    sink = ListSink()
    server = MockServer("test", seed=1, sink=sink)
    server.get("/").text("x")
    for _ in range(2):
        async with server, aiohttp.ClientSession() as client:
            await ask(client, server)

    assert [event.nth for event in sink.events if isinstance(event, ExchangeEnded)] == [0, 1]
