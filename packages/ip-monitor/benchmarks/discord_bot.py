"""
What the Discord bot costs: start to ready, memory while connected, and 1,000 slash commands in a row.

The bot is a process of its own that reaches the double, in this process, through a proxy and over TLS. Beside it, in the
same run, stands the smallest bot that discord.py allows: one command that answers one embed, no database, no settings.

    ./dev bench discord_bot
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from ip_monitor.testing import PLAY_RANGES, MockAPICluster
from ip_monitor.testing.discord import DiscordDouble, discord_authority

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "ip-monitor")
COMMANDS, WARM = 1000, 200
STARTS = 3
MEMORY_LIMIT_MIB = 58.0
READY_LIMIT_S = 1.5
ANSWER_LIMIT_S = 3.0
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


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        ours, bare = asyncio.run(measure(Path(home)))
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
    missed = growth > GROWTH_LIMIT_MIB
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
