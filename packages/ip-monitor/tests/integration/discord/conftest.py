"""
The whole product with its bot, in this process, against the double; its providers are services on loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from ip_monitor.bootstrap import assemble
from ip_monitor.settings import Request, load_here
from ip_monitor.testing import PLAY_RANGES, MockAPICluster
from ip_monitor.testing.discord import DiscordDouble, discord_authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ip_monitor.bootstrap import Application

OPERATORS = {"alder": "ipify", "birch": "ipify", "cedar": "aws"}


@dataclass
class Stage:
    """
    Everything that a test of the bot plays with.
    """

    double: DiscordDouble
    services: MockAPICluster
    application: Application
    request: Request
    running: asyncio.Task[None]


def settings_file(path, double, services, *, has_bot=True, **more) -> Request:
    """
    Settings for these services and this double.
    """
    bot = {"discord_token_file": str(path.with_suffix(".token")), "discord_channel": double.channel.id}
    values: dict[str, Any] = {
        "default_providers": False,
        "families": "ipv4",
        "confirm_pause_s": 0,
        "interval_s": 3600,
        "public_ranges": [str(network) for network in PLAY_RANGES],
        "database": str(path.with_suffix(".sqlite3")),
        **(bot if has_bot else {}),
        **more,
    }
    path.with_suffix(".token").write_text(double.token + "\n")
    lines = [
        f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for name, value in values.items()
    ]
    for server in services:
        lines += ["[[providers]]", f"name = '{server.name}'", f"url = '{server.spec().url}'", "plain_http = true"]
        lines += ["private_address = true"]
    path.write_text("\n".join(lines))
    return Request(environ={}, config_file=path, env_file=None, secret_directories=())


@contextlib.asynccontextmanager
async def _staged(double, services, path, *, wait=True, clock=None, **more) -> AsyncIterator[Stage]:
    """
    The product, running and connected; without a bot if `has_bot=False`.
    """
    wait = wait and more.get("has_bot", True)
    request = settings_file(path, double, services, **more)
    settings = (await asyncio.to_thread(load_here, request)).settings
    async with assemble(settings, request=request, make_connector=double.connector, clock=clock) as application:
        running = asyncio.create_task(application.run())
        try:
            if wait:
                await double.ready(within_s=20)
                await double.commands("ip", "stop", within_s=20)
            yield Stage(double, services, application, request, running)
        finally:
            application.request_stop()
            await asyncio.wait_for(running, 20)


@pytest.fixture(scope="session")
def authority():
    return discord_authority()


@pytest.fixture(scope="session")
def staged():
    """
    `async with staged(double, services, path, **settings) as stage`.
    """
    return _staged


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(authority, tmp_path_factory) -> AsyncIterator[Stage]:
    """
    One bot for all tests of a module, with text commands; the tests leave it as they found it.
    """
    path = tmp_path_factory.mktemp("bot") / "settings.toml"
    async with (
        DiscordDouble(authority=authority) as double,
        MockAPICluster(OPERATORS, seed=7) as services,
        _staged(double, services, path, discord_text_commands=True) as made,
    ):
        await double.message()
        yield made
