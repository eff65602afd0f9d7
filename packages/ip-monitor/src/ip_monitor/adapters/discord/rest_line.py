"""
Sending without the gateway: one client, logged in and never connected, shared by all that must get through while the
gateway is away.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord

from ip_monitor.adapters.discord.connection import close
from ip_monitor.application.cancellation import see_through

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ip_monitor.adapters.discord.connection import Route


@dataclass(eq=False, slots=True)
class _Held:
    client: discord.Client
    users: int = 0
    is_retired: bool = False


class RestLine:
    """
    Opened at the first use, and opened anew after the token was refused or a request was cut short.

    The library must not be used again after a request of it was cancelled: one that waits for the end of a global rate limit
    is the one that lets the others go on, and without it they wait for ever.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._held: _Held | None = None
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def use(self) -> AsyncGenerator[discord.Client]:
        """
        The client for some requests. It is closed only after the last of those who use it.

        Raises:
            discord.DiscordException, aiohttp.ClientError, OSError: Discord or the token is not to be had now.
        """
        held = await self._open()
        held.users += 1
        try:
            yield held.client
        except discord.HTTPException as error:
            if error.status == 401:
                self._retire(held)
            raise
        except asyncio.CancelledError:
            self._retire(held)
            raise
        finally:
            held.users -= 1
            if held.is_retired and not held.users:
                await see_through(close(held.client))

    async def aclose(self) -> None:
        """
        Leave nothing open. Idempotent.
        """
        held = self._held
        if held is not None:
            self._retire(held)
            await see_through(close(held.client))

    async def _open(self) -> _Held:
        async with self._turn:
            if self._held is None:
                # Intents are for the gateway alone, but the library warns when it is given none.
                client = self._route.client(discord.Client, intents=discord.Intents(guilds=True))
                try:
                    await client.login(self._route.read_token())
                except BaseException:
                    await see_through(close(client))
                    raise
                self._held = _Held(client)
            return self._held

    def _retire(self, held: _Held) -> None:
        held.is_retired = True
        if self._held is held:
            self._held = None
