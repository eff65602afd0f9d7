"""
Looking at the bot before it runs: does the token work, is the channel there, may the bot do what it must. By REST alone;
nothing is sent and nobody is told.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import aiohttp
import discord

from ip_monitor.adapters.discord.refusals import judge
from ip_monitor.adapters.discord.rest_line import RestLine
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.connection import Route
    from ip_monitor.settings import Settings

TIMEOUT_S = 15.0
NEEDED = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "embed_links": "Embed Links",
}
_ADVICE = "Look at the token, at discord_channel, and at whether this machine reaches Discord."
_HISTORY, _PIN = "read_message_history", "pin_messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """
    One thing looked at; `remedy` is empty where nothing is to be done.
    """

    state: Literal["ok", "warning", "wrong"]
    text: str
    remedy: str = ""


async def examine(route: Route, settings: Settings) -> list[Diagnosis]:
    """
    Token, channel, permissions and intents. Never raises but CancelledError: trouble is a diagnosis too.
    """
    line = RestLine(route)
    try:
        async with asyncio.timeout(TIMEOUT_S), line.use() as client:
            return await _look(client, settings)
    except IPMonitorError as error:
        return [Diagnosis(state="wrong", text=str(error), remedy=_ADVICE)]
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        return [Diagnosis(state="wrong", text=judge(error).reason, remedy=_ADVICE)]
    finally:
        await line.aclose()


async def _look(client: discord.Client, settings: Settings) -> list[Diagnosis]:
    found = [Diagnosis(state="ok", text=f"the token is that of {client.user}")]
    if settings.discord_text_commands:
        found.append(_intent(client.application_flags))
    if settings.discord_channel is None:
        return [*found, Diagnosis(state="ok", text="no channel is set; people are told in direct messages alone")]
    channel = await client.fetch_channel(settings.discord_channel)
    if not isinstance(channel, discord.abc.GuildChannel) or client.user is None:
        text = f"discord_channel {settings.discord_channel} is no channel of a server"
        return [*found, Diagnosis(state="wrong", text=text, remedy="Set it to the id of a text channel.")]
    guild = await client.fetch_guild(channel.guild.id)
    member = await guild.fetch_member(client.user.id)
    here = await guild.fetch_channel(channel.id)
    return [*found, *_permissions(here.permissions_for(member), f"#{channel.name} of {guild.name}", settings)]


def _permissions(has: discord.Permissions, where: str, settings: Settings) -> list[Diagnosis]:
    missing = [label for name, label in NEEDED.items() if not getattr(has, name)]
    if missing:
        text, remedy = f"in {where} the bot lacks {', '.join(missing)}", "Give its role these permissions there."
        return [Diagnosis(state="wrong", text=text, remedy=remedy)]
    found = [Diagnosis(state="ok", text=f"may announce in {where}")]
    if not getattr(has, _HISTORY):
        text = f"in {where} the bot lacks Read Message History"
        remedy = "Without it a change may be told twice after an outage."
        found.append(Diagnosis(state="warning", text=text, remedy=remedy))
    if settings.discord_status_message and not getattr(has, _PIN):
        text, remedy = f"in {where} the bot lacks Pin Messages", "Without it the status message stands unpinned."
        found.append(Diagnosis(state="warning", text=text, remedy=remedy))
    return found


def _intent(flags: discord.ApplicationFlags) -> Diagnosis:
    if flags.gateway_message_content or flags.gateway_message_content_limited:
        return Diagnosis(state="ok", text="the message content intent is granted; text commands work")
    remedy = "Switch it on in the developer portal (Bot, Message Content Intent), or leave discord_text_commands out."
    return Diagnosis(state="warning", text="text commands lack the message content intent", remedy=remedy)
