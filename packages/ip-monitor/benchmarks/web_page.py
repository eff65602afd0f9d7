"""
What the page costs beside a running monitor, and what it holds: memory, idle event streams, requests a second, and whether
checks wait for them.

The monitor runs in a process of its own and asks services of this process. Memory is VmRSS of the same monitor with the page,
after it was looked at, against one without. Streams are 500 connections to `/events` that read nothing but what comes.
Requests go to `/api/v1/status` over 20 keep-alive connections at 2,000 a second, while the monitor, pinned to one core with all
that it does, checks again and again; a check's delay is how much longer it took than checks do on a quiet page. What asks, and
what the checks ask, has the other core: on a machine that others use too, the delay is mostly theirs.

    ./dev bench web_page
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import statistics
import sys
import sysconfig
import tempfile
import time
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from ip_monitor.testing import PLAY_RANGES, MockAPICluster

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "ip-monitor")
OPERATORS = {"alder": "cloudflare_trace", "birch": "ipify", "cedar": "aws", "dogwood": "ident_me"}
STREAMS, STREAMS_MIB = 500, 20.0
PAGE_MIB = 8.0
RATE, SECONDS, CLIENTS = 2000, 5.0, 20
DELAY_S = 0.05
CHECKS = 12


def resident_mib(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Monitor:
    """
    One `ip-monitor run`, with or without the page.
    """

    def __init__(self, home: Path, services: MockAPICluster, *, web: bool) -> None:
        self.home, self.web = home, web
        home.mkdir()
        tables = [
            f'[[providers]]\nname = "{one.name}"\nurl = "{one.spec().url}"\nplain_http = true\nprivate_address = true\n'
            for one in services
        ]
        (home / "settings.toml").write_text(
            'default_providers = false\nfamilies = "ipv4"\nconfirm_pause_s = 0\ninterval_s = 3600\ncanary_s = 0\n'
            f"public_ranges = {[str(network) for network in PLAY_RANGES]}\n" + "".join(tables)
        )

    async def __aenter__(self) -> Self:
        words = ["run", "--config", str(self.home / "settings.toml"), "--database", str(self.home / "ip.sqlite3")]
        words += ["--web", "127.0.0.1:0"] if self.web else []
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}
        self.process = await asyncio.create_subprocess_exec(
            PROGRAM, *words, env=env, stdout=asyncio.subprocess.PIPE, preexec_fn=lambda: os.sched_setaffinity(0, {0})
        )
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            text = line.decode()
            if found := re.search(r"the page is at (\S+)/", text):
                self.url = found[1]
            if "IPv4 address is" in text:
                break
        self.drain = asyncio.create_task(self.process.stdout.read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.process.terminate()
        await self.process.wait()
        await self.drain


async def memory(home: Path, services: MockAPICluster) -> bool:
    async with Monitor(home / "without", services, web=False) as without:
        await asyncio.sleep(1)
        bare = resident_mib(without.process.pid)
    async with Monitor(home / "with", services, web=True) as monitor, aiohttp.ClientSession() as session:
        for path in ("/", "/api/v1/status", "/sign-in", "/badge.svg"):
            async with session.get(monitor.url + path) as response:
                text = await response.text()
                assert response.status == 200
            for asset in re.findall(r'(?:src|href|data-looks)="(/assets/[^"]+)"', text):
                async with session.get(monitor.url + asset) as response:
                    await response.read()
        looked = resident_mib(monitor.process.pid)
        streams = []
        try:
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as many:
                for _ in range(STREAMS):
                    stream = await many.get(f"{monitor.url}/events")
                    await stream.content.readline()
                    streams.append(stream)
                held = resident_mib(monitor.process.pid)
        finally:
            for stream in streams:
                stream.close()
    page, idle = looked - bare, held - looked
    print(
        f"page, VmRSS            {page:6.1f} MiB on top of {bare:.1f} MiB, {looked / bare:4.2f} times; limit {PAGE_MIB:g}: {_held(page <= PAGE_MIB)}"
    )
    print(
        f"{STREAMS} idle streams       {idle:6.1f} MiB, {idle * 1024 / STREAMS:.0f} KiB each; limit {STREAMS_MIB:g}: {_held(idle <= STREAMS_MIB)}"
    )
    return page <= PAGE_MIB and idle <= STREAMS_MIB


class Asker(asyncio.Protocol):
    """
    One connection that asks at fixed times, whether it was answered or not; `waits` has the seconds from the time when a
    question was due to its whole answer. It reads no more of an answer than its length, so that a core is enough for the
    asking and for the services that the checks need.
    """

    def __init__(self, question: bytes) -> None:
        self.question = question
        self.due: deque[float] = deque()
        self.waits: list[float] = []
        self.rest = b""
        self.answered = asyncio.Event()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def ask(self, due: float) -> None:
        self.due.append(due)
        self.answered.clear()
        self.transport.write(self.question)

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            head = self.rest[:end]
            begin = head.lower().index(b"content-length: ") + 16
            size = end + 4 + int(head[begin:].split(b"\r\n", 1)[0])
            if len(self.rest) < size:
                return
            assert head.startswith(b"HTTP/1.1 200"), head
            self.rest = self.rest[size:]
            self.waits.append(time.perf_counter() - self.due.popleft())
        if not self.due:
            self.answered.set()


async def asked(url: str) -> None:
    """
    The part that asks, in a process of its own that gives way to the services: they answer the checks that are measured.
    """
    os.nice(5)
    parts, loop = urlsplit(url), asyncio.get_running_loop()
    question = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n\r\n".encode()
    askers = [
        (await loop.create_connection(lambda: Asker(question), parts.hostname, parts.port))[1] for _ in range(CLIENTS)
    ]
    began = time.perf_counter()
    for nth in range(int(RATE * SECONDS)):
        due = began + nth / RATE
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        askers[nth % CLIENTS].ask(due)
    for one in askers:
        await one.answered.wait()
    waits = sorted(wait for one in askers for wait in one.waits)
    print(len(waits), time.perf_counter() - began, waits[len(waits) // 2], waits[len(waits) * 99 // 100])


async def load(home: Path, services: MockAPICluster) -> bool:
    async with Monitor(home / "load", services, web=True) as monitor:

        async def checks() -> list[float]:
            return [await timed_check(monitor) for _ in range(CHECKS)]

        quiet = await checks()
        before = cpu_s(monitor.process.pid)
        asking = await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--ask", f"{monitor.url}/api/v1/status", stdout=asyncio.subprocess.PIPE
        )
        await asyncio.sleep(1)
        busy = await checks()
        count, lasted, usual, rare = map(float, (await asking.communicate())[0].split())
        spent = cpu_s(monitor.process.pid) - before
    rate = count / lasted
    delay = max(busy) - statistics.median(quiet)
    is_fast = rate >= 0.98 * RATE
    print(
        f"others on this machine   load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores, this benchmark's own included"
    )
    print(
        f"requests               {rate:6.0f} a second of {RATE} wanted, {spent / count * 1e6:.0f} µs of CPU each, answered after {usual * 1000:.1f} ms,"
        f" 99 of 100 within {rare * 1000:.1f} ms: {_held(is_fast)}"
    )
    print(
        f"a check meanwhile      {max(busy) * 1000:6.1f} ms at most, {max(busy) / statistics.median(quiet):.1f} times one on a"
        f" quiet page ({statistics.median(quiet) * 1000:.1f} ms); delay {delay * 1000:.1f} ms, limit {DELAY_S * 1000:.0f}:"
        f" {_held(delay <= DELAY_S)}"
    )
    return is_fast and delay <= DELAY_S


async def timed_check(monitor: Monitor) -> float:
    """
    From the signal that asks for a check to the end of it, as the check itself tells: what the page needs to show it is not
    part of it.
    """
    async with aiohttp.ClientSession() as session, session.get(f"{monitor.url}/events") as stream:
        before = None
        while line := await stream.content.readline():
            if not line.startswith(b'data: {"version"'):
                continue
            told = re.search(rb'"checked_at":"([^"]+)"', line)
            now = told[1].decode() if told else ""
            if before is None:
                before, began = now, time.time()
                monitor.process.send_signal(signal.SIGUSR1)
            elif now != before:
                return datetime.fromisoformat(now).timestamp() - began
    raise SystemExit("the stream ended")


def _held(is_held: object) -> str:
    return "held" if is_held else "MISSED"


async def main() -> int:
    os.sched_setaffinity(0, {os.cpu_count() - 1} if (os.cpu_count() or 1) > 1 else {0})
    with tempfile.TemporaryDirectory() as home:
        async with MockAPICluster(OPERATORS, seed=7) as services:
            results = [await memory(Path(home), services), await load(Path(home), services)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ask"]:
        asyncio.run(asked(sys.argv[2]))
    else:
        sys.exit(asyncio.run(main()))
