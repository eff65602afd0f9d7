"""
Collects what the bot says, for the pictures in the documentation: the whole product, its real client and the double.

    python packages/ip-monitor/pictures/discord_messages.py messages.json

`discord_pictures.py` draws what this collects; it needs libraries that nothing else here does, and runs apart from them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ip_monitor.bootstrap import Application, assemble
from ip_monitor.settings import Request, load
from ip_monitor.testing import PLAY_RANGES, MockAPICluster
from ip_monitor.testing.discord import DiscordDouble

if TYPE_CHECKING:
    from ip_monitor.settings import Settings
    from ip_monitor.testing.discord.messages import Message

OPERATORS = {"alder": "cloudflare_trace", "birch": "ipify", "cedar": "aws", "dogwood": "ident_me"}
PATIENCE_S = 60.0


def settings_for(home: Path, double: DiscordDouble, services: MockAPICluster) -> Settings:
    lines = [
        "default_providers = false",
        'families = "ipv4"',
        "confirm_pause_s = 0",
        f"public_ranges = {[str(network) for network in PLAY_RANGES]}",
        f"database = '{home / 'ip.sqlite3'}'",
        f"discord_token_file = '{home / 'token'}'",
        f"discord_channel = {double.channel.id}",
    ]
    (home / "token").write_text(double.token)
    for server in services:
        lines += ["[[providers]]", f"name = '{server.name}'", f"url = '{server.spec().url}'", "plain_http = true"]
        lines += ["private_address = true"]
    path = home / "settings.toml"
    path.write_text("\n".join(lines))
    return load(Request(environ={}, config_file=path, env_file=None, secret_directories=())).settings


def kept(message: Message) -> dict[str, Any]:
    """
    What a picture needs of a message.
    """
    files = {file.filename: base64.b64encode(file.data).decode() for file in message.attachments}
    return {"embeds": message.embeds, "components": message.components, "files": files}


async def played(double: DiscordDouble, services: MockAPICluster, application: Application) -> dict[str, Any]:
    """
    The main messages, by the names of their pictures.
    """
    first = await double.message(within_s=PATIENCE_S)
    await double.commands("ip", "stop", within_s=PATIENCE_S)
    services.line.change()
    await application.check()
    found = {"announcement": kept(await double.message(after=first, within_s=PATIENCE_S))}
    double.go_down()
    for _ in range(5):
        services.line.change()
        await application.check()
    double.heal()
    digest = await double.until(
        lambda: next((m for m in double.messages() if m.embeds and "while" in m.embed["title"]), None),
        "the digest",
        within_s=PATIENCE_S,
    )
    found["digest"] = kept(digest)
    await double.ready(within_s=PATIENCE_S)
    services["birch"].lie("198.51.100.7")
    services["dogwood"].fail_as("bad_gateway")
    await application.check()
    asks = {"status": {}, "why": {}, "history": {"chart": True}, "api list": {}, "cache clear": {}, "help": {}}
    for path, options in asks.items():
        reply = await double.slash(double.admin, double.channel, path, within_s=PATIENCE_S, **options)
        found[path.replace(" ", "-")] = kept(reply.message)
    return found


async def collect() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        async with DiscordDouble() as double, MockAPICluster(OPERATORS, seed=7) as services:
            settings = await asyncio.to_thread(settings_for, Path(name), double, services)
            async with assemble(settings, make_connector=double.connector) as application:
                running = asyncio.create_task(application.run())
                try:
                    found = await played(double, services, application)
                finally:
                    application.request_stop()
                    await running
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(asyncio.run(collect()), indent=1))
