"""
Commands written as a message: `!status`, `!api disable ipify`. For those who are used to them; they need the message
content intent, and are off unless the settings want them.

Whatever only administrators may see is answered in their direct messages.
"""

from __future__ import annotations

import logging
import shlex
from typing import TYPE_CHECKING

import aiohttp
import discord

from ip_monitor.adapters.discord.call import Caller
from ip_monitor.adapters.discord.card import Card, Colour
from ip_monitor.adapters.discord.messages import new_message
from ip_monitor.adapters.discord.reply import Reply
from ip_monitor.adapters.discord.standing import Standing
from ip_monitor.adapters.discord.texts import texts_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ip_monitor.adapters.discord.command import Command
    from ip_monitor.adapters.discord.doorman import Doorman
    from ip_monitor.adapters.discord.router import Router
    from ip_monitor.adapters.discord.texts import Texts

_LOG = logging.getLogger("ip_monitor")
PREFIX = "!"
_MOST = 4000


class TextCommands:
    """
    Args:
        channel: the only one of the server in which they are answered; None for none.
    """

    def __init__(
        self,
        router: Router,
        *,
        doorman: Doorman,
        language: Callable[[], str],
        channel: Callable[[], int | None],
    ) -> None:
        self._router = router
        self._doorman = doorman
        self._language = language
        self._channel = channel

    async def answer(self, client: discord.Client, message: discord.Message) -> None:
        """
        Answer a message if it is a command of ours. Other bots' commands begin with `!` too, so what is not known is
        left alone.
        """
        text = message.content[:_MOST]
        is_private = message.guild is None
        if message.author.bot or message.webhook_id is not None or not text.startswith(PREFIX):
            return
        if not is_private and message.channel.id != self._channel():
            return
        words = text.removeprefix(PREFIX).split(maxsplit=2)
        command, _ = self._router.find(words)
        if not words or (command is None and not self._router.is_group(words[0])):
            return
        language = self._language()
        texts = texts_for("en" if language == "auto" else language)
        standing = await self._doorman.of_message(client, message)
        caller = Caller(id=message.author.id, name=message.author.name, standing=standing)
        reply = await self._run(text.removeprefix(PREFIX), command, words, caller, texts, is_private=is_private)
        is_secret = command is None or command.standing is Standing.ADMINISTRATOR
        await self._send(message, reply, texts, in_private=is_secret and not is_private)

    async def _run(
        self,
        text: str,
        command: Command | None,
        words: Sequence[str],
        caller: Caller,
        texts: Texts,
        *,
        is_private: bool,
    ) -> Reply:
        if command is None:
            usages = "\n".join(f"`{PREFIX}{one.usage}`" for one in self._router.members_of(words[0]))
            return Reply(
                cards=(Card(title=f"{PREFIX}{words[0].lower()}"[:40], description=usages, colour=Colour.QUIET),)
            )
        try:
            given = arguments(command, text)
        except ValueError:
            return Reply(
                cards=(Card(title=texts("wrong.title"), description=texts("wrong.quotes"), colour=Colour.BAD),)
            )
        if not is_private and any(one.name == "public" for one in command.parameters):
            given["public"] = True
        return await self._router.run(command.name, given, caller=caller, texts=texts)

    async def _send(self, message: discord.Message, reply: Reply, texts: Texts, *, in_private: bool) -> None:
        if reply.form is not None:
            # A message cannot open a form; the value must be written along.
            text = texts("wrong.missing", name=reply.form.inputs[0].name, usage=reply.form.title)
            reply = Reply(cards=(Card(title=texts("wrong.title"), description=text, colour=Colour.BAD),))
        try:
            if in_private:
                await self._send_in_private(message, reply, texts)
            else:
                await message.channel.send(**new_message(reply))
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            _LOG.warning("Discord did not take the answer to a text command: %s", type(error).__name__)
            return
        if reply.afterwards is not None:
            await reply.afterwards()

    async def _send_in_private(self, message: discord.Message, reply: Reply, texts: Texts) -> None:
        try:
            await message.author.send(**new_message(reply))
        except discord.Forbidden:
            note = Card(description=texts("text.closed"), colour=Colour.BAD)
        else:
            note = Card(description=texts("text.in_private"), colour=Colour.QUIET)
        await message.channel.send(**new_message(Reply(cards=(note,))))


def arguments(command: Command, text: str) -> dict[str, object]:
    """
    The values written after a command: in the order of its parameters, or as `name=value`. What is left over belongs to
    the last one, so that a value may hold spaces.

    Raises:
        ValueError: a quotation mark is not closed.
    """
    words = shlex.split(text)[len(command.path) :]
    names = [one.name for one in command.parameters if one.name != "public"]
    given: dict[str, object] = {}
    rest: list[str] = []
    for word in words:
        name, mark, value = word.partition("=")
        if mark and name in names and name not in given:
            given[name] = value
        else:
            rest.append(word)
    free = [name for name in names if name not in given]
    for place, name in enumerate(free):
        if not rest:
            break
        is_last = place == len(free) - 1
        given[name] = " ".join(rest) if is_last else rest.pop(0)
        if is_last:
            rest = []
    if rest:
        given[rest[0][:40]] = ""
    return given
