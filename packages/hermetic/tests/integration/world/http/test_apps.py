"""
Real applications behind a mock server: the same faults, recording and stop.
"""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from hermetic.world.http import MockServer
from hermetic.world.http.errors import AppError
from hermetic.world.http.faults import close, truncated_gzip


def aiohttp_app(log: list[str]) -> web.Application:
    async def echo(request: web.Request) -> web.Response:
        return web.json_response({"path": request.path, "q": dict(request.query), "body": await request.text()})

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b"a", b"b", b"c"):
            await response.write(piece)
        return response

    async def hang(_: web.Request) -> web.Response:
        log.append("hanging")
        try:
            await asyncio.sleep(60)
        finally:
            log.append("cancelled")
        return web.Response()

    async def lifetime(_: web.Application):
        log.append("up")
        yield
        log.append("down")

    app = web.Application()
    app.cleanup_ctx.append(lifetime)
    app.add_routes([web.get("/stream", stream), web.get("/hang", hang), web.route("*", "/{rest:.*}", echo)])
    return app


def asgi_app(log: list[str]):
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                kind = (await receive())["type"].removeprefix("lifespan.")
                log.append({"startup": "up", "shutdown": "down"}[kind])
                await send({"type": f"lifespan.{kind}.complete"})
                if kind == "shutdown":
                    return
        body = (await receive())["body"]
        if scope["path"] == "/hang":
            log.append("hanging")
            try:
                await asyncio.sleep(60)
            finally:
                log.append("cancelled")
        if scope["path"] == "/raise":
            raise KeyError("nothing here")
        if scope["path"] == "/silent":
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        if scope["path"] == "/stream":
            for piece in (b"a", b"b", b"c"):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})
            return
        await send({"type": "http.response.body", "body": f"{scope['path']} {scope['query_string']} {body}".encode()})

    return app


@pytest.fixture(params=["aiohttp", "asgi"])
async def mounted(request):
    log: list[str] = []
    api = MockServer("app", seed=1)
    route = api.aiohttp(aiohttp_app(log)) if request.param == "aiohttp" else api.asgi(asgi_app(log))
    await api.start()
    yield api, route, log
    await api.stop()


async def test_application_answers_and_is_recorded(mounted, client):
    """
    Path, query and body arrive; the route counts the calls; the lifespan follows the server's.
    """
    api, route, log = mounted
    async with client.post(api.url_for("/some/path?x=1"), data=b"hello") as reply:
        text = await reply.text()

    assert reply.status == 200
    assert all(word in text for word in ("/some/path", "x", "1", "hello"))
    assert [call.status for call in route.calls] == [200]
    await api.stop()

    assert log == ["up", "down"]


async def test_streamed_reply_is_passed_on(mounted, client):
    """
    In chunks, as the application writes them, on a connection that is kept.
    """
    api, _, _ = mounted
    for _ in range(2):
        async with client.get(api.url_for("/stream")) as reply:
            assert await reply.read() == b"abc"
            assert reply.headers["Transfer-Encoding"] == "chunked"

    assert api.accepted == 1


async def test_faults_play_on_the_applications_reply(mounted, raw):
    """
    A fault gets the real reply to break.
    """
    api, route, _ = mounted
    for fault, words in ((close(during="body"), b"HTTP/1.1 200"), (truncated_gzip(), b"Content-Encoding: gzip")):
        with route.fault(fault):
            one = raw(api)
            one.send(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

            assert words in one.read_to_end()[0]


async def test_stop_does_not_wait_for_the_application(mounted, raw):
    """
    A hung handler is cancelled and in the report.
    """
    api, route, log = mounted
    one = raw(api)
    one.send(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
    await route.wait_for(1)
    async with asyncio.timeout(10):
        # The application tells by its log, from another thread.
        while "hanging" not in log:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    report = await api.stop()

    assert [entry.request for entry in report.in_flight] == ["GET /hang"]
    assert report.took_s < 1
    assert "cancelled" in log
    assert one.read_to_end() == (b"", "rst")


async def test_application_that_fails_is_answered_with_500(client):
    """
    What it raised is in the call.
    """
    async with MockServer() as api:
        route = api.asgi(asgi_app([]))
        for path, words in (("/raise", "nothing here"), ("/silent", "without a complete reply")):
            async with client.get(api.url_for(path)) as reply:
                assert reply.status == 500
                assert words in await reply.text()
        assert [call.outcome for call in route.calls] == ["handler failed"] * 2


async def test_failing_startup_fails_the_servers_start():
    """
    With the application's reason, and nothing left running.
    """

    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    api = MockServer()
    api.asgi(app)
    with pytest.raises(AppError, match="no database"):
        await api.start()

    assert not api.is_running
