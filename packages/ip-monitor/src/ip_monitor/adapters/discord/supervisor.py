"""
Keeping a client at the gateway.

discord.py resumes short breaks by itself. Long ones are ours: after an outage its own pause before the next try grows to
seventeen minutes, and a first connection that fails ends it with an error of its own. So a client that is away for too
long, or has ended, is closed and another one made.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING

import discord

from ip_monitor.adapters.discord.connection import TokenUnreadableError, close
from ip_monitor.adapters.discord.gateway import GatewayClient, intents
from ip_monitor.adapters.discord.refusals import TOKEN_PAUSE_S
from ip_monitor.application.cancellation import cancel_and_wait, see_through

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ip_monitor.adapters.discord.connection import Route
    from ip_monitor.adapters.discord.gateway import Front
    from ip_monitor.adapters.discord.link import Link
    from ip_monitor.application.announcing import Announcer
    from ip_monitor.resilience.clock import Clock

_LOG = logging.getLogger("ip_monitor")
AWAY_LIMIT_S = 45.0
"""
How long discord.py may try to come back by itself, seconds.
"""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
# A connection that held for so long was a good one: the next pause is a short one again.
STEADY_S = 60.0
# With the second that closing may take they leave time in the 3 s after SIGTERM.
_FAREWELL_S = 0.5
_ENDING_S = 0.1
# Source: Discord's documentation, "Gateway Close Event Codes".
_TOKEN_REFUSED = 4004


class Supervisor:
    """
    Args:
        route: makes the clients.
        front: answers what comes in.
        link: is told whether the gateway is there.
        wants_texts: whether text commands are wanted; they need an intent that may be refused.
    """

    def __init__(
        self,
        route: Route,
        *,
        front: Front,
        link: Link,
        announcer: Announcer,
        clock: Clock,
        wants_texts: bool = False,
        rng: random.Random | None = None,
        away_limit_s: float = AWAY_LIMIT_S,
    ) -> None:
        self._route = route
        self._front = front
        self._link = link
        self._announcer = announcer
        self._clock = clock
        self.has_texts = wants_texts
        self._rng = rng or random.Random()  # noqa: S311 - spreads load; nothing secret depends on it
        self._away_limit_s = away_limit_s

    async def run(self) -> None:
        """
        Stay connected until cancelled; then say goodbye, within a second and a half.
        """
        attempts = 0
        while True:
            failure = await self._one_client()
            if isinstance(failure, discord.PrivilegedIntentsRequired) and self.has_texts:
                self.has_texts = False
                self._announcer.trouble(
                    "discord text commands",
                    what="Discord did not grant the message content intent, so text commands are off.",
                    remedy="Switch it on in the developer portal (Bot, Message Content Intent), or set "
                    "discord_text_commands = false.",
                )
                continue
            attempts = 1 if self._link.is_up or self._was_steady else attempts + 1
            pause_s = self._pause_s(attempts, failure)
            self._announcer.trouble("discord", what=_told(failure, pause_s), remedy=_remedy(failure))
            await self._clock.sleep(pause_s)

    async def _one_client(self) -> BaseException | None:
        """
        One client from login to its end; what ended it, None when it was away for too long.
        """
        self._link.restart()
        self._was_steady = False
        client = self._route.client(GatewayClient, intents=intents(texts=self.has_texts))
        client.attach(self._front, self._link)
        work = [
            asyncio.ensure_future(self._start(client)),
            asyncio.ensure_future(self._link.wait_gone(self._away_limit_s)),
            asyncio.ensure_future(self._report()),
        ]
        try:
            await asyncio.wait(work[:2], return_when=asyncio.FIRST_COMPLETED)
            return work[0].exception() if work[0].done() else None
        finally:
            self._was_steady = self._link.is_up and self._link.since_s >= STEADY_S
            # A cancellation while a client is given up anyway must not leave it open.
            await see_through(self._end(client, work))

    async def _end(self, client: GatewayClient, work: Sequence[asyncio.Future[Any]]) -> None:
        try:
            await self._farewell(client)
            # A client that was closed ends by itself at once, but for one that sleeps before its next try.
            await asyncio.wait(work[:1], timeout=_ENDING_S)
        finally:
            await cancel_and_wait(work)
            client.stop_heartbeats()
            # It may have become ready while it was told goodbye.
            await client.forget_readiness()
            if not work[0].cancelled():
                work[0].exception()  # closing it may have ended it with an error, which is no news

    async def _start(self, client: GatewayClient) -> None:
        await client.start(self._route.read_token(), reconnect=True)

    async def _report(self) -> None:
        await self._link.wait_up()
        self._announcer.fine("discord")

    async def _farewell(self, client: GatewayClient) -> None:
        """
        Close with the bot shown as offline at once: a mere close leaves it online for two minutes.
        """
        await client.forget_readiness()
        if client.is_greeted:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_FAREWELL_S):
                    await client.change_presence(status=discord.Status.invisible)
        await close(client)
        self._link.down()

    def _pause_s(self, attempts: int, failure: BaseException | None) -> float:
        if isinstance(failure, discord.LoginFailure) or _code(failure) == _TOKEN_REFUSED:
            return TOKEN_PAUSE_S
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 10))
        return pause_s * self._rng.uniform(0.5, 1.0)


def _code(failure: BaseException | None) -> int | None:
    return failure.code if isinstance(failure, discord.ConnectionClosed) else None


def _told(failure: BaseException | None, pause_s: float) -> str:
    again = f"; the next try is in {pause_s:.0f} s"
    match failure:
        case None:
            return f"the connection to Discord did not come back{again}"
        case discord.LoginFailure():
            return f"Discord refuses the token{again}"
        case discord.ConnectionClosed():
            return f"Discord closed the connection with code {failure.code}{again}"
        case TokenUnreadableError():
            return f"{failure}{again}"
        case discord.HTTPException():
            return f"Discord answers {failure.status}{again}"
        case _:
            return f"Discord cannot be reached ({type(failure).__name__}){again}"


def _remedy(failure: BaseException | None) -> str:
    if isinstance(failure, discord.LoginFailure) or _code(failure) == _TOKEN_REFUSED:
        return "Reset the token in the developer portal and put the new one in place."
    return "" if failure is None else "Changes are announced meanwhile as far as Discord's REST interface is there."
