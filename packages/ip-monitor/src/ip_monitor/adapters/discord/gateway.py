"""
The client that listens at the gateway. It knows no command: what comes in goes to the front, as it came.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol, cast

import discord
from discord.gateway import KeepAliveHandler

from ip_monitor.application.cancellation import cancel_and_wait

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ip_monitor.adapters.discord.link import Link

_LOG = logging.getLogger("ip_monitor")
IDENTIFY_PAUSE_S = 5.0
"""
Between two sessions, seconds. Source: Discord's documentation, "Gateway", on identifying: one in five seconds, and one to
five seconds after an invalid session.
"""


class Front(Protocol):
    """
    What answers. Its methods raise only what is a defect.
    """

    async def prepare(self, client: discord.Client) -> None:
        """
        Once a client, logged in and before it connects.
        """
        ...

    async def on_interaction(self, interaction: discord.Interaction) -> None: ...

    async def on_message(self, client: discord.Client, message: discord.Message) -> None: ...


class GatewayClient(discord.Client):
    """
    `attach` before `start`.

    Attributes:
        is_greeted: whether the gateway let it in at least once.
    """

    _front: Front
    _link: Link
    is_greeted = False

    def attach(self, front: Front, link: Link) -> None:
        self._front = front
        self._link = link

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """
        Tell nothing once it is closed: the library would fail on it, and leave what it began unawaited.
        """
        if not self.is_closed():
            super().dispatch(event, *args, **kwargs)

    # One-time work belongs here: `on_ready` comes again after every new session.
    async def setup_hook(self) -> None:
        await self._front.prepare(self)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """
        The library's pause before a new session, on the monitor's clock.
        """
        del shard_id
        if not initial:
            await self._link.pause(IDENTIFY_PAUSE_S)

    async def on_connect(self) -> None:
        self.is_greeted = True

    async def on_ready(self) -> None:
        self._turn(self._link.up)

    async def on_resumed(self) -> None:
        self._turn(self._link.up)

    async def on_disconnect(self) -> None:
        self._turn(self._link.down)

    def _turn(self, link: Callable[[], None]) -> None:
        """
        An event told before the close may come after it, when the link is another client's.
        """
        if not self.is_closed():
            link()

    async def forget_readiness(self) -> None:
        """
        End the library's wait for the last server, which its own `close` leaves running, and which then fails on what was
        closed. Call it before `close`, and once nothing of the client runs any more: it may begin in between.
        """
        # Nothing public leads to it, and the library does not say what it holds.
        waiting = cast("asyncio.Task[None] | None", self._connection._ready_task)  # noqa: SLF001 # pyright: ignore[reportUnknownMemberType]
        if waiting is not None:
            await cancel_and_wait([waiting])

    def stop_heartbeats(self) -> None:
        """
        Tell the library's threads that beat for this client to end: one that is cancelled in the middle of a greeting
        leaves its thread behind. Call it when nothing of the client runs any more.
        """
        for thread in threading.enumerate():
            # What a thread beats for knows its client by what both hold; nothing public says so.
            if isinstance(thread, KeepAliveHandler) and thread.ws._connection is self._connection:  # noqa: SLF001 # pyright: ignore[reportUnknownMemberType]
                thread.stop()

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        await self._front.on_interaction(interaction)

    async def on_message(self, message: discord.Message) -> None:
        await self._front.on_message(self, message)

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        _LOG.exception("a defect in answering Discord's %s; the bot goes on", event_method)


def intents(*, texts: bool) -> discord.Intents:
    """
    The least that works: servers for slash commands; messages and their content only for text commands.
    """
    chosen = discord.Intents(guilds=True)
    if texts:
        chosen.guild_messages = chosen.dm_messages = chosen.message_content = True
    return chosen
