"""
What a thousand commands leave behind in the bot: nothing. The bot is a process of its own, so that nothing of the double,
nor of who watches the tests, is counted.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from pathlib import Path

import pytest
from ip_monitor.testing import MockAPICluster
from ip_monitor.testing.discord import DiscordDouble

from .conftest import OPERATORS, settings_file

BOT = Path(__file__).with_name("growing.py")
CALLS = 20
WARM_ROUNDS = 50
COMMANDS = ("status", "help", "history", "why", "ip")


async def measured(authority, path, *, rounds, words=()):
    """
    What the bot found after so many rounds of commands.
    """
    async with (
        DiscordDouble(authority=authority) as double,
        MockAPICluster(OPERATORS, seed=7) as services,
    ):
        settings_file(path, double, services, discord_proxy=double.proxy)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(BOT),
            *(str(path), str(rounds), str(CALLS), str(WARM_ROUNDS), *words),
            env={"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(double.write_ca(path.with_name("ca.pem")))},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            await double.ready(within_s=60)
            await double.commands("ip", within_s=60)
            await double.message(within_s=60)
            names = itertools.cycle(COMMANDS)
            process.stdin.write(b"begin\n")
            while (line := await process.stdout.readline()) == b"next\n":
                reply = await double.slash(double.member, double.channel, next(names), within_s=30)
                assert not reply.has_failed
                double.exchanges.clear()
                double.world.interactions.clear()
                process.stdin.write(b"answered\n")
            result = json.loads(line)
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
    return result


@pytest.mark.deadline(900)
@pytest.mark.timeout(900)
@pytest.mark.prove("discord-growth", sample=0, full=50)
async def test_a_thousand_commands_in_a_row_leave_nothing_behind(authority, tmp_path, rounds):
    """
    No memory, task, descriptor or thread. A bot that keeps a short text of each is found out.
    """
    clean = await measured(authority, tmp_path / "settings.toml", rounds=rounds)
    leaking = await measured(authority, tmp_path / "leaking.toml", rounds=rounds, words=["leak"])

    sys.stdout.write(f"\nas it is:   {clean['text']}\nwith a leak: {leaking['text']}\n")
    assert not clean["is_leaking"], clean["text"]
    assert leaking["is_leaking"], leaking["text"]
