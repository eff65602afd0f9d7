"""
Sending without the gateway: one client, logged in and never connected, shared by all that must get through while the
gateway is away.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import discord

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ip_monitor.adapters.discord.connection import Route

_CLOSE_S = 1.0


class RestLine:
    """
    Opened at the first use, opened anew after the token was refused.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._client: discord.Client | None = None
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def use(self) -> AsyncGenerator[discord.Client]:
        """
        The client for some requests.

        Raises:
            discord.DiscordException, aiohttp.ClientError, OSError: Discord or the token is not to be had now.
        """
        client = await self._open()
        try:
            yield client
        except discord.HTTPException as error:
            if error.status == 401:
                await self._drop(client)
            raise

    async def aclose(self) -> None:
        """
        Leave nothing open. Idempotent.
        """
        if self._client is not None:
            await self._drop(self._client)

    async def _open(self) -> discord.Client:
        async with self._turn:
            if self._client is None:
                # Intents are for the gateway alone, but the library warns when it is given none.
                client = self._route.client(discord.Client, intents=discord.Intents(guilds=True))
                try:
                    await client.login(self._route.read_token())
                except BaseException:
                    await self._close(client)
                    raise
                self._client = client
            return self._client

    async def _drop(self, client: discord.Client) -> None:
        if self._client is client:
            self._client = None
        await self._close(client)

    async def _close(self, client: discord.Client) -> None:
        closing = asyncio.ensure_future(client.close())
        await asyncio.wait({closing}, timeout=_CLOSE_S)
        if not closing.done():
            closing.cancel()
