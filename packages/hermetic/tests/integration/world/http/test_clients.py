"""
The same conversation by five clients: aiohttp, httpx, requests, urllib3, curl. And a live client through restarts.
"""

from __future__ import annotations

import asyncio
import io
import json
import subprocess

import aiohttp
import httpx
import pytest
import requests
import urllib3
from hermetic.world.http import MockServer

PIECES = [b"one ", b"two ", b"three"]


async def by_aiohttp(url: str, method: str, body: bytes | None) -> tuple[int, bytes]:
    data = None if body is None else io.BytesIO(body)
    async with aiohttp.ClientSession() as session, session.request(method, url, data=data) as reply:
        return reply.status, await reply.read()


def by_httpx(url: str, method: str, body: bytes | None) -> tuple[int, bytes]:
    with httpx.Client(trust_env=False, verify=False) as session:
        reply = session.request(method, url, content=body)
        return reply.status_code, reply.content


def by_requests(url: str, method: str, body: bytes | None) -> tuple[int, bytes]:
    with requests.Session() as session:
        session.trust_env = False
        reply = session.request(method, url, data=body, timeout=10)
        return reply.status_code, reply.content


def by_urllib3(url: str, method: str, body: bytes | None) -> tuple[int, bytes]:
    with urllib3.PoolManager() as pool:
        reply = pool.request(method, url, body=body, retries=False, timeout=10)
        return reply.status, reply.data


def by_curl(url: str, method: str, body: bytes | None) -> tuple[int, bytes]:
    how = ["--head"] if method == "HEAD" else ["--request", method]
    data = [] if body is None else ["--data-binary", "@-"]
    words = [
        "curl",
        "--silent",
        "--noproxy",
        "*",
        "--max-time",
        "10",
        "--write-out",
        "%{stderr}%{http_code}",
        *how,
        *data,
    ]
    done = subprocess.run([*words, url], input=body or b"", capture_output=True, check=True)
    return int(done.stderr), b"" if method == "HEAD" else done.stdout


CLIENTS = [
    by_aiohttp,
    by_httpx,
    by_requests,
    by_urllib3,
    pytest.param(by_curl, marks=pytest.mark.needs_program("curl")),
]


@pytest.mark.parametrize("ask", CLIENTS)
async def test_client_and_server_understand_each_other(ask):
    """
    Plain and chunked replies, HEAD, bodies small and large (curl then expects 100-continue), 204, 404.
    """
    large = b"x" * 2_000_000
    async with MockServer(allow_unmatched=True) as api:
        api.get("/json").json({"a": 1})
        api.get("/chunked").chunked(PIECES)
        api.get("/large").bytes(large)
        api.post("/echo").call(lambda request: request.body)
        api.delete("/gone").status(204)

        async def said(method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
            if asyncio.iscoroutinefunction(ask):
                return await ask(api.url_for(path), method, body)
            return await asyncio.to_thread(ask, api.url_for(path), method, body)

        assert await said("GET", "/json") == (200, json.dumps({"a": 1}, separators=(",", ":")).encode())
        assert await said("HEAD", "/json") == (200, b"")
        assert await said("GET", "/chunked") == (200, b"".join(PIECES))
        assert await said("GET", "/large") == (200, large)
        assert await said("POST", "/echo", b"hello") == (200, b"hello")
        assert await said("POST", "/echo", large) == (200, large)
        assert (await said("DELETE", "/gone"))[0] == 204
        assert (await said("GET", "/nowhere"))[0] == 404
        assert api.rejected == []


@pytest.mark.prove("restarts", sample=30, full=200)
async def test_a_live_client_goes_through_restarts_on_one_port_without_a_failure(rounds):
    """
    Its pooled connection is gone each time; it finds that out before it sends.
    """
    server = MockServer()
    server.get("/").text("x")
    ports = set[int]()
    async with aiohttp.ClientSession() as client:
        for _ in range(rounds):
            async with server:
                ports.add(server.port)
                for _ in range(3):
                    async with client.get(server.url) as reply:
                        assert await reply.text() == "x"

    assert len(ports) == 1


@pytest.mark.prove("stop-with-hung-requests", sample=100, full=1000)
async def test_stop_with_many_hung_requests_leaves_nothing(rounds):
    """
    Every client is cut off, every request in the report, no task and no connection left.
    """
    api = await MockServer().start()
    route = api.get("/").call(lambda _: asyncio.sleep(60))
    writers = []
    for _ in range(rounds):
        _, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        writers.append(writer)
    await route.wait_for(rounds, timeout=30)
    core = api._core
    report = await api.stop()

    assert (len(report.in_flight), report.connections, report.swallowed) == (rounds, rounds, ())
    assert (len(core.connections), len(core.exchanges), len(core._tasks)) == (0, 0, 0)
    for writer in writers:
        writer.close()
        with pytest.raises(ConnectionError):
            await writer.wait_closed()
