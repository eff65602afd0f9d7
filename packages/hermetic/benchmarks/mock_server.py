"""
What the mock server costs, in one run and against aiohttp's test server where there is one to compare with.

    ./dev bench mock_server

- server CPU a request: a 20-byte JSON reply with keep-alive, recording on, a client in a process of its own
- start, and stop with 50 and with 1,000 requests hung
- 10,000 connections held open by clients in processes of their own
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time

from aiohttp import web
from aiohttp.test_utils import TestServer
from hermetic.foundation import ListSink
from hermetic.world.http import MockServer

REQUESTS = 20_000
REQUEST = b"GET /ip HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n"
BODY = {"ip": "203.0.113.7"}
HELD = 10_000


def client(port: int, count: int) -> None:
    """
    One connection, one request after the other.
    """
    with socket.create_connection(("127.0.0.1", port)) as sock:
        for _ in range(count):
            sock.sendall(REQUEST)
            got = sock.recv(65536)
            while not got.endswith(b"}"):
                got += sock.recv(65536)


def holder(port: int, count: int) -> None:
    """
    Open connections, send one request on each, say so, hold them until told.
    """
    raise_limit()
    socks = []
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(REQUEST)
        socks.append(sock)
    print(len(socks), flush=True)
    sys.stdin.readline()


def raise_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def spawn(what: str, port: int, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__, what, str(port), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def cpu_of_ours() -> float:
    sink = ListSink()
    with MockServer("bench", sink=sink) as api:
        api.get("/ip").json(BODY)
        client(api.port, 500)
        begun = time.process_time()
        assert spawn("client", api.port, REQUESTS).wait() == 0
        took = time.process_time() - begun
        assert len([event for event in sink.events if event.kind == "http.exchange"]) == REQUESTS + 500
    return took / REQUESTS


async def cpu_of_aiohttp() -> float:
    async def ip(_: web.Request) -> web.Response:
        return web.json_response(BODY)

    app = web.Application()
    app.router.add_get("/ip", ip)
    server = TestServer(app)
    await server.start_server()
    await asyncio.to_thread(client, server.port, 500)
    begun = time.process_time()
    process = spawn("client", server.port, REQUESTS)
    assert await asyncio.to_thread(process.wait) == 0
    took = time.process_time() - begun
    await server.close()
    return took / REQUESTS


def start_s() -> float:
    times = []
    for _ in range(30):
        server = MockServer()
        begun = time.perf_counter()
        server.start_blocking()
        times.append(time.perf_counter() - begun)
        server.stop_blocking()
    return statistics.median(times)


def stop_s(hung: int) -> tuple[float, int]:
    """
    The whole call of stop, and how many threads are left more than before.
    """
    threads = threading.active_count()
    api = MockServer().start_blocking()
    route = api.get("/ip").call(lambda _: asyncio.sleep(60))
    process = spawn("holder", api.port, hung)
    route.wait_for_blocking(hung, timeout=60)
    begun = time.perf_counter()
    report = api.stop_blocking()
    took = time.perf_counter() - begun
    process.communicate("\n")
    assert len(report.in_flight) == hung, report
    return took, threading.active_count() - threads


def held() -> int:
    raise_limit()
    with MockServer() as api:
        route = api.get("/ip").json(BODY)
        processes = [spawn("holder", api.port, HELD // 4) for _ in range(4)]
        route.wait_for_blocking(HELD, timeout=120, finished=True)
        count = api.connection_count
        for process in processes:
            process.communicate("\n")
    return count


def main() -> None:
    rounds = [(cpu_of_ours(), asyncio.run(cpu_of_aiohttp())) for _ in range(3)]
    ratio = statistics.median(ours / theirs for ours, theirs in rounds)
    ours, theirs = (statistics.median(values) * 1e6 for values in zip(*rounds, strict=True))
    rows = [
        ("CPU a request, recording on", f"{ours:.1f} µs, aiohttp {theirs:.1f} µs: ratio {ratio:.2f}", ratio <= 0.9),
    ]
    began = start_s()
    rows.append(("start", f"{began * 1e3:.2f} ms", began <= 0.002))
    for hung, limit in ((50, 0.05), (1000, 0.25)):
        took, left = stop_s(hung)
        rows.append((f"stop with {hung} hung", f"{took * 1e3:.1f} ms, {left} threads left", took <= limit and not left))
    count = held()
    rows.append(("connections held", str(count), count >= HELD))
    for name, value, is_kept in rows:
        print(f"{'ok  ' if is_kept else 'MISS'} {name:<30} {value}")
    print(json.dumps({name: value for name, value, _ in rows}))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        {"client": client, "holder": holder}[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
