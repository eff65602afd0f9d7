"""
What the Discord bot costs: start to ready, memory while connected, 1,000 slash commands in a row, and what a Discord that
is away or hangs adds to a check.

The bot is a process of its own that reaches the double, in this process, through a proxy and over TLS. Beside it, in the
same run, stands the smallest bot that discord.py allows: one command that answers one embed, no database, no settings.

    ./dev bench discord_bot
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import os
import re
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ip_monitor.bootstrap import assemble
from ip_monitor.settings import Request, load
from ip_monitor.testing import PLAY_RANGES, MockAPICluster
from ip_monitor.testing.discord import (
    DiscordDouble,
    Drop,
    Hang,
    Permission,
    RateLimit,
    Status,
    discord_authority,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.testing.discord.faults import Fault

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "ip-monitor")
COMMANDS, WARM = 1000, 200
STARTS = 3
MEMORY_LIMIT_MIB = 58.0
READY_LIMIT_S = 1.5
ANSWER_LIMIT_S = 3.0
CHECKS, WARM_CHECKS = 40, 5
DELAY_LIMIT_S = 0.05
# Beyond that of the bare bot: the library and the allocator take their time to fill.
GROWTH_LIMIT_MIB = 0.5
BARE = """
import discord, sys
from discord import app_commands
client = discord.Client(intents=discord.Intents(guilds=True), proxy=sys.argv[1], guild_ready_timeout=0.1, max_messages=None)
tree = app_commands.CommandTree(client)
@tree.command(name="ip", description="bare")
async def ip(interaction):
    await interaction.response.send_message(embed=discord.Embed(title="bare"), ephemeral=True)
client.setup_hook = tree.sync
client.run(sys.argv[2], log_handler=None)
"""


def resident_mib(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def settings(home: Path, double: DiscordDouble, services: MockAPICluster) -> Path:
    path = home / "settings.toml"
    (home / "token").write_text(double.token)
    lines = [
        "default_providers = false",
        'families = "ipv4"',
        "confirm_pause_s = 0",
        "interval_s = 3600",
        f"public_ranges = {[str(network) for network in PLAY_RANGES]}",
        f"database = '{home / 'ip.sqlite3'}'",
        f"discord_token_file = '{home / 'token'}'",
        f"discord_channel = {double.channel.id}",
        f"discord_proxy = '{double.proxy}'",
    ]
    for server in services:
        lines += ["[[providers]]", f"name = '{server.name}'", f"url = '{server.spec().url}'", "plain_http = true"]
        lines += ["private_address = true"]
    path.write_text("\n".join(lines))
    return path


def forget(home: Path) -> None:
    for database in home.glob("ip.sqlite3*"):
        database.unlink()


async def one_run(words: list[str], env: dict[str, str], double: DiscordDouble, *, commands: int) -> dict[str, float]:
    """
    Start a bot, wait until it is ready, use `/ip` so many times, and stop it.
    """
    began = time.perf_counter()
    process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        await double.ready(within_s=60)
        found = {"ready_s": time.perf_counter() - began}
        await double.commands("ip", within_s=60)
        await double.slash(double.member, double.channel, "ip")
        found["connected_mib"] = resident_mib(process.pid)
        times: list[float] = []
        for number in range(commands):
            if number == WARM:
                found["warm_mib"] = resident_mib(process.pid)
            asked = time.perf_counter()
            reply = await double.slash(double.member, double.channel, "ip")
            times.append(time.perf_counter() - asked)
            assert not reply.has_failed
        if times:
            found |= {"p50_ms": statistics.median(times) * 1000, "p99_ms": sorted(times)[int(len(times) * 0.99)] * 1000}
            found |= {"slowest_s": max(times), "end_mib": resident_mib(process.pid)}
    finally:
        began = time.perf_counter()
        process.terminate()
        await asyncio.to_thread(process.wait)
    return found | {"stop_s": time.perf_counter() - began}


async def measure(home: Path) -> tuple[dict[str, float], dict[str, float]]:
    ours: dict[str, float] = {}
    bare: dict[str, float] = {}
    authority = discord_authority()
    services = MockAPICluster({"alder": "ipify", "birch": "ipify", "cedar": "aws"}, seed=1)
    async with services:
        for number in range(STARTS):
            commands = COMMANDS if number == STARTS - 1 else 0
            async with DiscordDouble(authority=authority) as double:
                env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
                env["SSL_CERT_FILE"] = str(double.write_ca(home / "ca.pem"))
                forget(home)
                words = [PROGRAM, "run", "--config", str(settings(home, double, services))]
                found = await one_run(words, env, double, commands=commands)
                ours = {**ours, **found, "ready_s": min(found["ready_s"], ours.get("ready_s", 60.0))}
            async with DiscordDouble(authority=authority) as double:
                env["SSL_CERT_FILE"] = str(double.write_ca(home / "ca.pem"))
                words = [sys.executable, "-c", BARE, double.proxy, double.token]
                found = await one_run(words, env, double, commands=commands)
                bare = {**bare, **found, "ready_s": min(found["ready_s"], bare.get("ready_s", 60.0))}
    return ours, bare


@dataclasses.dataclass
class Times:
    """
    How long checks took, seconds, and the time of the processor that the loop used meanwhile: for the check, the bot, and
    the double that it talks to, all in one. On a busy machine only the latter tells something.
    """

    wall: list[float] = dataclasses.field(default_factory=list)
    processor: list[float] = dataclasses.field(default_factory=list)


async def check_times(home: Path, trouble: str) -> tuple[Times, Times]:
    """
    Of checks that each find a change to announce, in this process: with Discord there, and then with Discord as `trouble`
    says. One after the other, so that a busy machine is as busy for both.
    """
    there, times = Times(), Times()
    async with (
        MockAPICluster({"alder": "ipify", "birch": "ipify", "cedar": "aws"}, seed=1) as services,
        DiscordDouble() as double,
    ):
        forget(home)
        request = Request(
            environ={}, config_file=settings(home, double, services), env_file=None, secret_directories=()
        )
        chosen = dataclasses.replace((await asyncio.to_thread(load, request)).settings, discord_proxy=None)
        async with assemble(chosen, make_connector=double.connector) as application:
            running = asyncio.create_task(application.run())
            await double.ready(within_s=60)
            await double.message(within_s=60)
            gc.freeze()  # as `ip-monitor run` does before its loop begins
            for number in range(2 * CHECKS + WARM_CHECKS):
                if number == CHECKS + WARM_CHECKS:
                    TROUBLES[trouble](double)
                services.line.change()
                began, used = time.perf_counter(), time.thread_time()
                check = await application.check()
                assert len(check.changes) == 1
                if number >= WARM_CHECKS:
                    kept = there if number < CHECKS + WARM_CHECKS else times
                    kept.wall.append(time.perf_counter() - began)
                    kept.processor.append(time.thread_time() - used)
            application.request_stop()
            await running
            double.heal()
            double.take_violations()
    return there, times


def withdraw(double: DiscordDouble) -> None:
    double.world.overwrite(double.channel, double.guild.roles[0], allow=Permission.NONE, deny=Permission.SEND_MESSAGES)


def fails(fault: Fault) -> Callable[[DiscordDouble], object]:
    return lambda double: double.fail(fault)


TROUBLES: dict[str, Callable[[DiscordDouble], object]] = {
    "away": lambda double: double.go_down(),
    "a black hole": lambda double: (double.rest_site.swallow(), double.gateway_site.swallow()),
    "without gateway": lambda double: double.gateway_site.refuse(),
    "without REST": lambda double: double.rest_site.refuse(),
    "hanging": fails(Hang()),
    "hanging after": fails(Hang(after=True)),
    "losing answers": fails(Drop(after=True)),
    **{f"answering {status}": fails(Status(status)) for status in (500, 502, 503, 520)},
    **{f"429 {scope}": fails(RateLimit(0.05, scope=scope)) for scope in ("user", "shared", "global", "cloudflare")},
    "refusing the token": lambda double: double.revoke_token(),
    "without channel": lambda double: double.world.remove_channel(double.channel),
    "without permission": withdraw,
}
"""
The rows of the outage matrix.
"""


def report_delays(home: Path) -> bool:
    """
    Print what Discord's troubles add to a check; True when they add too much.
    """
    missed = False
    for trouble in TROUBLES:
        there, times = asyncio.run(check_times(home, trouble))
        usual, now = statistics.median(there.wall), statistics.median(times.wall)
        missed |= now - usual > DELAY_LIMIT_S
        extra = max(times.processor) - statistics.median(there.processor)
        print(
            f"a check with Discord {trouble:<18} p50 {now * 1000:6.2f} ms, {now / usual:4.2f} times one with Discord there "
            f"({usual * 1000:.2f} ms)  limit + {DELAY_LIMIT_S * 1000:g} ms: {'held' if now - usual <= DELAY_LIMIT_S else 'MISSED'}"
            f"  slowest: {extra * 1000:+.1f} ms of the processor"
        )
    return missed


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        ours, bare = asyncio.run(measure(Path(home)))
        missed = report_delays(Path(home))
    bare_growth = bare["end_mib"] - bare["warm_mib"]
    growth = ours["end_mib"] - ours["warm_mib"] - bare_growth
    rows = [
        ("start to ready", "ready_s", "s", READY_LIMIT_S),
        ("connected, VmRSS", "connected_mib", "MiB", MEMORY_LIMIT_MIB),
        ("/ip, p50", "p50_ms", "ms", None),
        ("/ip, p99", "p99_ms", "ms", None),
        (f"/ip, slowest of {COMMANDS}", "slowest_s", "s", ANSWER_LIMIT_S),
        ("SIGTERM to exit", "stop_s", "s", 3.0),
    ]
    missed |= growth > GROWTH_LIMIT_MIB
    for label, name, unit, limit in rows:
        held = "" if limit is None else f"limit {limit:g} {unit}: {'held' if ours[name] <= limit else 'MISSED'}"
        missed |= limit is not None and ours[name] > limit
        ratio = ours[name] / bare[name]
        print(
            f"{label:<22} {ours[name]:7.2f} {unit:<4} {ratio:5.2f} times a bare bot ({bare[name]:.2f} {unit})  {held}"
        )
    held = "held" if growth <= GROWTH_LIMIT_MIB else "MISSED"
    print(
        f"growth over the last {COMMANDS - WARM} commands {growth:.2f} MiB beyond a bare bot's {bare_growth:.2f} MiB  "
        f"limit {GROWTH_LIMIT_MIB:g} MiB: {held}"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
