"""
How to reach Discord: the token, the way there, and clients made the same way each time.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

import aiohttp
import discord

from ip_monitor.application.cancellation import cancel_and_wait
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ip_monitor.settings import Secret

ClientT = TypeVar("ClientT", bound=discord.Client)
# discord.py waits so long after the last server was told of before it says that it is ready; no part of the bot waits
# for all servers.
GUILD_READY_S = 0.05
# A pause of a rate limit longer than this is not slept through inside a request, but told to who asked; seconds.
LONGEST_RATE_LIMIT_S = 30.0
_MOST_TOKEN_BYTES = 1024
_CLOSE_S = 1.0


class TokenUnreadableError(IPMonitorError, OSError):
    """
    The file with the token cannot be used. Its content is in no text.
    """

    def __init__(self, path: Path, wrong: str) -> None:
        self.path = path
        self.wrong = wrong
        super().__init__(path, wrong)

    def __str__(self) -> str:
        return f"discord_token_file {self.path} {self.wrong}. Put the bot's token alone into it, readable to this user."


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """
    The way to Discord.

    Attributes:
        token: the token itself; wins over the file.
        token_file: read anew for every start, so that a token that was replaced is found without a restart.
        proxy: URL of an HTTP proxy for both REST and gateway.
        make_connector: gives each client its connector; discord.py's own by default.
    """

    token: Secret | None = None
    token_file: Path | None = None
    proxy: str | None = None
    make_connector: Callable[[], aiohttp.BaseConnector | None] = field(default=lambda: None)

    def read_token(self) -> str:
        """
        The token.

        Raises:
            TokenUnreadableError: the file is missing, unreadable, empty or too large to be one.
        """
        if self.token is not None:
            return self.token.reveal()
        if self.token_file is None:
            raise ValueError("a route to Discord needs a token or a token file")
        try:
            with self.token_file.open("rb") as file:
                content = file.read(_MOST_TOKEN_BYTES + 1)
        except OSError as error:
            raise TokenUnreadableError(self.token_file, f"cannot be read ({error.strerror})") from error
        text = content.decode("ascii", "replace").strip()
        if not text or len(content) > _MOST_TOKEN_BYTES or not text.isascii() or not text.isprintable() or " " in text:
            raise TokenUnreadableError(self.token_file, "holds no token")
        return text

    def client(self, kind: type[ClientT], *, intents: discord.Intents) -> ClientT:
        """
        A new client; must be called inside the running loop. Caches nothing that others wrote and nobody's membership,
        because no part of the bot needs them, and mentions nobody.
        """
        return kind(
            intents=intents,
            connector=self.make_connector(),
            proxy=self.proxy,
            max_ratelimit_timeout=LONGEST_RATE_LIMIT_S,
            guild_ready_timeout=GUILD_READY_S,
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            allowed_mentions=discord.AllowedMentions.none(),
        )


async def close(client: discord.Client) -> None:
    """
    Close it within about a second, also where the other end does not answer: then the sockets are let go all the same.
    """
    closing = asyncio.ensure_future(client.close())
    await asyncio.wait({closing}, timeout=_CLOSE_S)
    if not closing.done():
        await cancel_and_wait([closing])
        with contextlib.suppress(Exception):
            await client.http.close()
    # A client that never logged in has no session, which would close it.
    connector = cast("object", client.http.connector)  # the library puts a mark of its own where there is none
    if isinstance(connector, aiohttp.BaseConnector) and not connector.closed:
        await connector.close()
