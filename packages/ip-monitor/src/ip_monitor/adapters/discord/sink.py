"""
Announcing changes from the outbox, by REST, whether the gateway is there or not.

A message is sent with a nonce made of the change's key, and Discord keeps one message a nonce for some minutes. So a
message whose acknowledgement was lost can be sent again at once. One that is older may have been sent by an earlier try,
or by a process that was killed before it wrote that down; for such a one the recent messages are read first, and what
they already tell is not told again.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import discord

from ip_monitor.adapters.discord.announcement import announcement_card, change_buttons, told_by
from ip_monitor.adapters.discord.messages import embeds_of, view_of
from ip_monitor.adapters.discord.refusals import is_gone, judge
from ip_monitor.errors import IPMonitorError
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ip_monitor.adapters.discord.address_style import AddressStyle
    from ip_monitor.adapters.discord.rest_line import RestLine
    from ip_monitor.adapters.discord.texts import Texts
    from ip_monitor.domain.changes import Change
    from ip_monitor.domain.notices import Notice
    from ip_monitor.resilience.clock import Clock

_LOG = logging.getLogger("ip_monitor")
NONCE_HOLDS_S = 60.0
"""
For so long a nonce alone is trusted, seconds. Discord says "some minutes".
"""
_RECENT = 50


class Place(Protocol):
    """
    Where announcements go.
    """

    async def find(self, client: discord.Client) -> discord.abc.Messageable: ...


class ChannelPlace:
    """
    A channel of a server.
    """

    def __init__(self, channel: int) -> None:
        self._channel = channel

    async def find(self, client: discord.Client) -> discord.abc.Messageable:
        return client.get_partial_messageable(self._channel)


class DirectPlace:
    """
    A person's direct messages.
    """

    def __init__(self, user: int) -> None:
        self._user = user

    async def find(self, client: discord.Client) -> discord.abc.Messageable:
        return await client.create_dm(discord.Object(self._user))


class DiscordNotifier:
    """
    One sink: a channel or a person.

    Args:
        name: stable over restarts; deliveries are kept under it.
        style: how addresses are shown there now.
        texts: the language of announcements now.
    """

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        line: RestLine,
        clock: Clock,
        texts: Callable[[], Texts],
        style: Callable[[], AddressStyle],
    ) -> None:
        self.name = name
        self._place = place
        self._line = line
        self._clock = clock
        self._texts = texts
        self._style = style

    async def send(self, notice: Notice) -> None:
        await self._tell([notice])

    async def send_digest(self, notices: Sequence[Notice]) -> None:
        await self._tell(notices)

    async def aclose(self) -> None:
        await self._line.aclose()

    async def _tell(self, notices: Sequence[Notice]) -> None:
        try:
            async with self._line.use() as client:
                place = await self._place.find(client)
                left = list(notices)
                if self._may_be_told(notices):
                    left = await self._untold(client, place, left)
                if left:
                    await self._post(place, [notice.change for notice in left])
        except IPMonitorError as error:
            raise judge(error) from error
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            if not is_gone(error):
                raise judge(error) from error

    def _may_be_told(self, notices: Sequence[Notice]) -> bool:
        age_s = (utc_now(self._clock) - min(notice.created_at for notice in notices)).total_seconds()
        # A clock that was set back makes an old notice look like one from the future.
        return not 0 <= age_s < NONCE_HOLDS_S

    async def _untold(
        self, client: discord.Client, place: discord.abc.Messageable, notices: list[Notice]
    ) -> list[Notice]:
        """
        What the recent messages do not tell yet. Without the permission to read them everything is left: rather twice
        than never.
        """
        try:
            recent = [message async for message in place.history(limit=_RECENT)]
        except discord.Forbidden:
            _LOG.warning("%s: recent messages cannot be read, so a change may be told twice", self.name)
            return notices
        keys = [notice.change.key for notice in notices]
        told: set[str] = set()
        for message in recent:
            if client.user is None or message.author.id != client.user.id:
                continue
            for embed in message.embeds:
                first_and_last = told_by(embed.footer.text or "")
                if first_and_last is not None:
                    told.update(_between(keys, *first_and_last))
        return [notice for notice in notices if notice.change.key not in told]

    async def _post(self, place: discord.abc.Messageable, changes: Sequence[Change]) -> None:
        texts, style = self._texts(), self._style()
        card = announcement_card(changes, texts=texts, style=style)
        options: dict[str, Any] = {}
        if len(changes) == 1:
            options["view"] = view_of(change_buttons(changes[0], texts=texts))
        await place.send(embeds=embeds_of([card]), nonce=nonce_of(changes), **options)


def nonce_of(changes: Sequence[Change]) -> str:
    """
    The same for the same changes, at most 25 characters. Source: Discord's documentation, "Create Message".
    """
    return hashlib.sha256("\n".join(change.key for change in changes).encode()).hexdigest()[:24]


def _between(keys: Sequence[str], first: str, last: str) -> Sequence[str]:
    """
    The keys that a message from `first` to `last` told of. Where one end is not among ours the message began before, or
    went on after them.
    """
    if first not in keys and last not in keys:
        return ()
    begin = keys.index(first) if first in keys else 0
    end = keys.index(last) if last in keys else len(keys) - 1
    return keys[begin : end + 1]
