"""
Discord on loopback: a server that speaks its REST interface and its gateway, for tests of any bot.

The bot's client is the real one, unpatched, over real HTTPS and WebSocket. A whole test:

```python
import asyncio

import discord
from discord import app_commands
from ip_monitor.testing.discord import DiscordDouble


async def test_address_is_told_in_private():
    async with DiscordDouble() as double:
        client = discord.Client(
            intents=discord.Intents(guilds=True), connector=double.connector(), guild_ready_timeout=0.01
        )
        tree = app_commands.CommandTree(client)

        @tree.command(name="ip", description="Tell the address")
        async def ip(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("`198.51.100.7`", ephemeral=True)

        client.setup_hook = tree.sync
        running = asyncio.create_task(client.start(double.token))
        await double.ready()
        await client.wait_until_ready()

        reply = await double.slash(double.member, double.channel, "ip")

        assert reply.content == "`198.51.100.7`"
        assert reply.is_ephemeral
        await client.close()
        await running
```

**The way to it.** In one process: `connector=double.connector()`, made inside the running loop, one for each client. For
a process of its own: `proxy=double.proxy` and the environment variable SSL_CERT_FILE with `double.write_ca(path)`.
`guild_ready_timeout=0.01` saves two seconds a start. A client that is closed before it is ready leaves tasks of
discord.py behind, and views with a time-out leave theirs until `view.stop()`. Tests share `discord_authority()`, whose keys take
longer to make than all the rest.

**What is there.** `double.guild` with `double.channel`, `double.admin` (administrator), `double.member` (no role) and
`double.stranger` (in no guild with the bot). More of them, roles, webhooks and permissions: `double.world.add_…`.

**Users act** through `slash`, `autocomplete`, `click`, `select`, `submit_modal`, `text` and `direct_message`. In direct
messages the channel of an act is `double.direct(user)`. An act gives back a `Reply`, which tells the `content`, `embeds`,
`components`, `followups`, the `modal`, whether it `is_ephemeral`, `is_deferred`, `is_update` or `has_failed`, and which
grows as the bot adds to it. What no client would let a user do raises `NotOfferedError`; `forced=True` does it.

**What the bot did** is in `double.messages(channel)`, `double.exchanges` and `double.gateway.status`; tests wait with
`double.message(…)`, `double.until(…)`, `double.ready()` and `double.commands(…)`, never by sleeping.

**Trouble:** `double.fail(Status(503), on="POST /channels/*/messages", times=2)` and so with `RateLimit`, `Drop`, `Hang`
and `Slow`; `double.rest_site` and `double.gateway_site` with `refuse()`, `swallow()`, `reset()` and `restore()`;
`double.gateway` with `reconnect()`, `invalidate()`, `close(code)`; `double.revoke_token()`,
`double.world.remove_channel(…)`, `double.world.overwrite(…)`.
"""

from ip_monitor.testing.discord.double import DiscordDouble, discord_authority
from ip_monitor.testing.discord.errors import (
    DoubleError,
    NothingHappenedError,
    NotOfferedError,
    ViolationError,
    WrongInputError,
)
from ip_monitor.testing.discord.faults import Drop, FaultRule, Hang, RateLimit, Slow, Status
from ip_monitor.testing.discord.permissions import Permission
from ip_monitor.testing.discord.reply import Reply

__all__ = [
    "DiscordDouble",
    "DoubleError",
    "Drop",
    "FaultRule",
    "Hang",
    "NotOfferedError",
    "NothingHappenedError",
    "Permission",
    "RateLimit",
    "Reply",
    "Slow",
    "Status",
    "ViolationError",
    "WrongInputError",
    "discord_authority",
]
