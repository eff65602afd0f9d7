"""
A double and the real client against it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import discord
import pytest
from discord import app_commands
from ip_monitor.testing.discord import DiscordDouble, discord_authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hermetic.world.http import Authority


@pytest.fixture(scope="session")
def authority() -> Authority:
    return discord_authority()


@pytest.fixture
async def double(authority) -> AsyncIterator[DiscordDouble]:
    async with DiscordDouble(authority=authority) as running:
        yield running


class Bot(discord.Client):
    def __init__(self, double: DiscordDouble, *, intents: discord.Intents | None = None, **how) -> None:
        super().__init__(
            intents=intents or discord.Intents(guilds=True),
            connector=double.connector(),
            guild_ready_timeout=0.01,
            allowed_mentions=discord.AllowedMentions.none(),
            **how,
        )
        self.tree = app_commands.CommandTree(self)
        self.ready = asyncio.Event()
        self.resumed = asyncio.Event()

    async def before_identify_hook(self, shard_id, *, initial=False) -> None:
        """
        The default waits 5 seconds before every session but the first.
        """

    async def on_ready(self) -> None:
        self.ready.set()

    async def on_resumed(self) -> None:
        self.resumed.set()


@pytest.fixture
async def bot(double) -> Bot:
    return Bot(double)


@pytest.fixture
def new_bot(double):
    """
    Makes a client with other intents; inside the loop.
    """

    def make(**how) -> Bot:
        return Bot(double, **how)

    return make


@pytest.fixture
def running(double):
    """
    `async with running(bot)`: connected and ready; closed at the end.
    """

    @contextlib.asynccontextmanager
    async def run(bot: Bot) -> AsyncIterator[Bot]:
        task = bot.task = asyncio.create_task(bot.start(double.token))
        try:
            async with asyncio.timeout(5):
                await bot.ready.wait()
            yield bot
        finally:
            await bot.close()
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()

    return run
