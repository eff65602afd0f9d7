"""
The real command in a process of its own, away from the user's files, asking nobody outside this machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from ip_monitor.testing import PLAY_RANGES, MockAPICluster

PROGRAM = Path(sysconfig.get_path("scripts")) / "ip-monitor"
Command = Callable[..., "subprocess.CompletedProcess[str]"]
PATIENCE_S = 40.0


@pytest.fixture
def home(tmp_path):
    """
    An empty home directory.
    """
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def environ(home):
    """
    The environment that the command gets: none of this machine's settings, and warnings are errors there too.
    """
    kept = ("PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    mine = {name: os.environ[name] for name in kept if name in os.environ}
    return {**mine, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONWARNINGS": "error", "COLUMNS": "120"}


@pytest.fixture
def ip_monitor(environ, home) -> Command:
    """
    Run `ip-monitor WORDS…` to its end; `env=` adds variables.
    """

    def run(*words: object, env: dict[str, str] | None = None, **options) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *map(str, words)],
            env={**environ, **(env or {})},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            **options,
        )

    return run


IN_ONE = """
import contextlib, io, json, sys
from ip_monitor.cli.main import main
for words in json.load(sys.stdin):
    shown, said = io.StringIO(), io.StringIO()
    sys.argv[1:] = words
    try:
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(said):
            status = main() or 0
    except SystemExit as ended:
        status = ended.code or 0
    print(json.dumps([status, shown.getvalue(), said.getvalue()]))
"""


@pytest.fixture
def in_one_process(environ, home) -> Callable[..., list[tuple[int, str, str]]]:
    """
    Run many command lines one after the other in one process, where each would import the program anew: the exit status,
    standard output and standard error of each.
    """

    def run(lines: list[list[str]], *, env: dict[str, str] | None = None) -> list[tuple[int, str, str]]:
        done = subprocess.run(
            [sys.executable, "-c", IN_ONE],
            env={**environ, **(env or {})},
            cwd=home,
            input=json.dumps(lines),
            capture_output=True,
            text=True,
            check=True,
        )
        return [tuple(json.loads(line)) for line in done.stdout.splitlines()]

    return run


class Running:
    """
    A command that runs until told to stop; its output lines are kept as they come.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._news = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self.process.pid

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._news:
                self.lines.append(line.decode().rstrip("\n"))
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()

    async def line(self, *texts: str, after: int = 0) -> str:
        """
        The first line, counted from `after`, that holds all `texts`.
        """

        def found() -> str | None:
            return next((line for line in self.lines[after:] if all(text in line for text in texts)), None)

        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(lambda: found() is not None or self._reader.done())
        except TimeoutError:
            pass
        line = found()
        assert line is not None, f"no line with {texts} in:\n" + "\n".join(self.lines)
        return line

    async def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, float]:
        """
        Send a signal; the exit status, what stands on standard error, and the seconds it took to end.
        """
        assert self.process.stderr is not None
        began = time.monotonic()
        self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            status = await self.process.wait()
        took_s = time.monotonic() - began
        await self._reader
        return status, (await self.process.stderr.read()).decode(), took_s

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reader


@pytest.fixture
async def start(environ, home):
    """
    Start `ip-monitor WORDS…` and leave it running; ended with the test. `prefix=` is put before the command.
    """
    started: list[Running] = []

    async def run(*words: object, prefix: tuple[str, ...] = (), env: dict[str, str] | None = None) -> Running:
        process = await asyncio.create_subprocess_exec(
            *prefix,
            str(PROGRAM),
            *map(str, words),
            env={**environ, **(env or {})},
            cwd=home,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(Running(process))
        return started[-1]

    yield run
    for running in started:
        await running.end()


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
def nobody(tmp_path):
    """
    A settings file whose only providers are two ports of this machine where nobody listens.
    """
    path = tmp_path / "nobody.toml"
    path.write_text(
        'default_providers = false\nretry_s = 1\nfamilies = "ipv4"\n'
        + "".join(
            f'[[providers]]\nname = "{name}"\nurl = "http://127.0.0.1:1/"\nplain_http = true\nprivate_address = true\n'
            for name in ("one", "two")
        )
    )
    return path


@pytest.fixture
async def services():
    """
    Four services that tell the truth about one simulated line.
    """
    operators = {"alder": "cloudflare_trace", "birch": "ipify", "cedar": "aws", "dogwood": "ident_me"}
    async with MockAPICluster(operators, seed=7) as cluster:
        yield cluster


def _toml(values: dict[str, object]) -> list[str]:
    return [
        f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for key, value in values.items()
    ]


@pytest.fixture
def provider_table():
    """
    Make one `[[providers]]` table of a settings file, for a server of this machine.
    """

    def make(name: str, url: str) -> str:
        fields = {"name": name, "url": url, "plain_http": True, "private_address": True}
        return "\n".join(["[[providers]]", *_toml(fields), ""])

    return make


@pytest.fixture
def settings_for(tmp_path, provider_table):
    """
    Write a settings file for these services and tables, and give its path.
    """

    def write(services: MockAPICluster, *more: str, **settings: object) -> Path:
        values = {"default_providers": False, "families": "ipv4", "retry_s": 1, "confirm_pause_s": 0, **settings}
        head = _toml(values)
        head.append(f"public_ranges = {[str(network) for network in PLAY_RANGES]}")
        tables = [provider_table(server.name, server.spec().url) for server in services]
        path = tmp_path / "settings.toml"
        path.write_text("\n".join([*head, *tables, *more]))
        return path

    return write
