"""
One message in the channel that always shows the state: sent and pinned once, then edited in place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import aiohttp
import discord

from ip_monitor.adapters.discord.handlers.status import buttons
from ip_monitor.adapters.discord.messages import changed_message, new_message
from ip_monitor.adapters.discord.refusals import is_gone, judge
from ip_monitor.adapters.discord.reply import Reply
from ip_monitor.adapters.discord.status_card import status_card
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.adapters.discord.desk import Desk
    from ip_monitor.adapters.discord.rest_line import RestLine
    from ip_monitor.adapters.discord.state import State
    from ip_monitor.adapters.discord.texts import Texts

_LOG = logging.getLogger("ip_monitor")
EDIT_EVERY_S = 10.0
"""
Edits are not made more often, seconds; what happens between two of them is in the next.
"""
LONGEST_PAUSE_S = 600.0
_KEY = "status_message"


class StatusMessage:
    """
    Args:
        channel: where it stands now; None for nowhere, when the settings do not want it.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        line: RestLine,
        state: State,
        channel: Callable[[], int | None],
        texts: Callable[[], Texts],
    ) -> None:
        self._desk = desk
        self._line = line
        self._state = state
        self._channel = channel
        self._texts = texts
        # Set by the first news: before the first check there is nothing to show.
        self._news = asyncio.Event()

    def renew(self) -> None:
        """
        What it shows may be out of date.
        """
        self._news.set()

    async def run(self) -> None:
        """
        Keep it current until cancelled. No failure ends it.
        """
        failures = 0
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self.update()
                failures = 0
            except (IPMonitorError, discord.DiscordException, aiohttp.ClientError, OSError) as error:
                failures += 1
                if failures == 1:
                    _LOG.warning("the status message was not renewed: %s", judge(error).reason)
                self._news.set()
            await self._desk.clock.sleep(min(LONGEST_PAUSE_S, EDIT_EVERY_S * 2.0 ** min(failures, 8)))

    async def update(self) -> None:
        """
        Edit it, or send and pin it where it is missing.

        Raises:
            IPMonitorError, discord.DiscordException, aiohttp.ClientError, OSError: it was not renewed.
        """
        channel = self._channel()
        if channel is None:
            return
        texts = self._texts()
        card = await status_card(self._desk, texts=texts, style=self._desk.style)
        reply = Reply(cards=(card,), buttons=buttons(texts))
        async with self._line.use() as client:
            place = client.get_partial_messageable(channel)
            known_channel, _, known = self._state.get(_KEY).partition("/")
            if known_channel == str(channel) and known.isdecimal():
                try:
                    await place.get_partial_message(int(known)).edit(**changed_message(reply))
                except discord.NotFound as error:
                    if not is_gone(error):
                        raise
                else:
                    return
            message = await place.send(**new_message(reply))
            await self._state.put(_KEY, f"{channel}/{message.id}")
            # Without the permission it stands in the channel all the same.
            with contextlib.suppress(discord.Forbidden):
                await message.pin()
