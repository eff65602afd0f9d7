"""
Draws the messages that `discord_messages.py` collected, with the preview of simcord in a headless Chromium, as they look in
Discord's client.

    uv venv /tmp/pictures && uv pip install --python /tmp/pictures "simcord[screenshot]"
    /tmp/pictures/bin/python packages/ip-monitor/pictures/discord_pictures.py messages.json docs/how-to/pictures

simcord replaces parts of discord.py in its own process, which is why it draws apart from the bot and takes messages that the
bot really sent.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import discord
import simcord
from PIL import Image
from playwright.async_api import BrowserType

WIDTH, HEIGHT = 640, 1600


def use_the_systems_chromium() -> None:
    """
    simcord starts the browser that playwright would download.
    """
    launch = BrowserType.launch

    def with_path(self: BrowserType, **options: Any) -> Any:
        return launch(self, executable_path=shutil.which("chromium"), args=["--no-sandbox"], **options)

    BrowserType.launch = with_path  # type: ignore[method-assign] # it takes no path of a browser


def view_of(rows: list[dict[str, Any]]) -> discord.ui.View | None:
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        for one in row["components"]:
            if one["type"] == 2:
                button = discord.ui.Button(
                    label=one["label"],
                    style=discord.ButtonStyle(one["style"]),
                    custom_id=one["custom_id"],
                    disabled=bool(one.get("disabled")),
                    row=number,
                )
                view.add_item(button)
            else:
                options = [discord.SelectOption.from_dict(option) for option in one["options"]]
                view.add_item(discord.ui.Select(custom_id=one["custom_id"], options=options, row=number))
    return view if rows else None


def made(message: dict[str, Any]) -> dict[str, Any]:
    embeds = [discord.Embed.from_dict(embed) for embed in message["embeds"]]
    for embed in embeds:
        if embed.image.url and message["files"]:
            embed.set_image(url=f"attachment://{next(iter(message['files']))}")
    files = [discord.File(io.BytesIO(base64.b64decode(data)), name) for name, data in message["files"].items()]
    options: dict[str, Any] = {"embeds": embeds, "files": files}
    view = view_of(message["components"])
    return options if view is None else {**options, "view": view}


async def draw(messages: dict[str, Any], folder: Path) -> None:
    bot = discord.Client(intents=discord.Intents(guilds=True))
    async with simcord.run(bot) as env:
        guild = env.create_guild()
        channel = guild.create_text_channel("ip")
        viewer = guild.add_member(env.create_user("alice"))
        place = bot.get_channel(int(channel.id))
        now = datetime.now(UTC)
        async with env.preview(
            channel, viewers=(viewer,), width=WIDTH, height=HEIGHT, presentation_time=now
        ) as preview:
            for name, message in messages.items():
                sent = await place.send(**made(message))
                shot = await preview.screenshot(target=sent, allow_incomplete=True)
                picture = Image.open(io.BytesIO(shot.png)).convert("RGB").quantize(128)
                picture.save(folder / f"discord-{name}.png", optimize=True)


if __name__ == "__main__":
    use_the_systems_chromium()
    asyncio.run(draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
