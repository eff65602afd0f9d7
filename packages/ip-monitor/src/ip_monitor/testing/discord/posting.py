"""
Messages coming, changing and going: the rules for them, the files in them, and the events about them.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord import messages as m
from ip_monitor.testing.discord import refusal
from ip_monitor.testing.discord.components import numbered
from ip_monitor.testing.discord.intents import Intent
from ip_monitor.testing.discord.messages import Attachment, Message
from ip_monitor.testing.discord.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ip_monitor.testing.discord.people import User
    from ip_monitor.testing.discord.places import Channel
    from ip_monitor.testing.discord.world import World

_USER_MENTION = re.compile(r"<@!?(\d+)>")
_PINS = 250
# What a client may set when it makes a message, and when it changes one.
_SETTABLE = m.SUPPRESS_EMBEDS | m.EPHEMERAL | m.SUPPRESS_NOTIFICATIONS | m.COMPONENTS_V2

Files = list[tuple[str, str, bytes]]


class Posting:
    def __init__(self, world: World) -> None:
        self._world = world

    def create(
        self,
        channel: Channel,
        author: User,
        body: Mapping[str, Any],
        *,
        files: Files | None = None,
        only_for: User | None = None,
        quiet: bool = False,
        **more: Any,
    ) -> Message:
        """
        A new message, told to the sessions unless it is `quiet` or seen by one user only.
        """
        world = self._world
        message = Message(world.snowflakes.take(), channel, author, timestamp=world.now(), only_for=only_for, **more)
        message.flags = int(body.get("flags") or 0) & (_SETTABLE | m.LOADING)
        message.nonce = body.get("nonce")
        self._fill(message, body, files or [])
        world.messages(channel)[message.id] = message
        if only_for is None:
            channel.last_message_id = message.id
        if only_for is None and not quiet:
            world.publish("MESSAGE_CREATE", message.event(), needs=_intent(channel))
        world.pulse.beat()
        return message

    def edit(self, message: Message, body: Mapping[str, Any], *, files: Files | None = None) -> Message:
        """
        Change what `body` names and keep the rest. A message that was loading is no longer.
        """
        world = self._world
        was_loading = message.is_loading
        message.revisions.append(message.content)
        message.flags &= ~m.LOADING
        if body.get("flags") is not None:
            changing = m.SUPPRESS_EMBEDS | m.COMPONENTS_V2
            message.flags = message.flags & ~changing | int(body["flags"]) & changing | message.flags & m.COMPONENTS_V2
        self._fill(message, body, files or [])
        if not was_loading:
            message.edited_timestamp = world.now()
        if message.only_for is None:
            world.publish("MESSAGE_UPDATE", message.event(), needs=_intent(message.channel))
        world.pulse.beat()
        return message

    def delete(self, message: Message) -> None:
        world = self._world
        message.is_deleted = True
        world.messages(message.channel).pop(message.id, None)
        if message.only_for is None:
            world.publish("MESSAGE_DELETE", self._mark(message, "id"), needs=_intent(message.channel))
        world.pulse.beat()

    def pin(self, message: Message, *, pinned: bool) -> None:
        """
        Raises:
            Refusal: 30003, the channel has 250 already.
        """
        world, channel = self._world, message.channel
        if message.is_pinned == pinned:
            return
        if pinned and sum(each.is_pinned for each in world.history(channel)) >= _PINS:
            raise refusal.too_many_pins()
        message.pinned_at = world.now() if pinned else None
        channel.last_pin_at = message.pinned_at or channel.last_pin_at
        data: dict[str, Any] = {"channel_id": str(channel.id), "last_pin_timestamp": channel.last_pin_at}
        if channel.guild is not None:
            data["guild_id"] = str(channel.guild.id)
        world.publish("MESSAGE_UPDATE", message.event(), needs=_intent(channel))
        world.publish("CHANNEL_PINS_UPDATE", data, needs=Intent.GUILDS if channel.guild else Intent.DIRECT_MESSAGES)
        if pinned:
            # Discord tells everyone in the channel with a message of type 6, which is the pinning user's own.
            self.create(channel, world.bot, {}, type=6, reference=message)
        world.pulse.beat()

    # ------------------------------------------------------------ parts

    def _fill(self, message: Message, body: Mapping[str, Any], files: Files) -> None:
        if "content" in body:
            message.content = str(body["content"] or "").strip()
            self._ping(message, body.get("allowed_mentions"))
        if "components" in body:
            message.components = numbered(copy.deepcopy(body["components"] or []))
        if "attachments" in body or files:
            self._attach(message, body.get("attachments"), files)
        if "embeds" in body:
            by_name = {attachment.filename: attachment.url for attachment in message.attachments}
            embeds: list[dict[str, Any]] = body["embeds"] or []
            message.embeds = [_shown_embed(embed, by_name) for embed in embeds]
        shown = message.content or message.embeds or message.components or message.attachments
        if not (shown or message.type == 6 or message.is_loading):
            raise refusal.empty_message()

    def _attach(self, message: Message, listed: list[dict[str, Any]] | None, files: Files) -> None:
        kept = {str(each.get("id")) for each in listed or ()}
        # In an edit, attachments that the list leaves out are removed. Without a list they stay.
        held = message.attachments if listed is None else [a for a in message.attachments if str(a.id) in kept]
        described = {str(each.get("id")): each.get("description") for each in listed or ()}
        fresh: list[Attachment] = []
        for index, (name, content_type, data) in enumerate(files):
            number = self._world.snowflakes.take()
            path = f"/attachments/{message.channel.id}/{number}/{name}"
            attachment = Attachment(
                number, name, content_type, data, f"https://cdn.discordapp.com{path}", described.get(str(index))
            )
            self._world.files[path] = attachment
            fresh.append(attachment)
        message.attachments = [*held, *fresh]

    def _ping(self, message: Message, allowed: Mapping[str, Any] | None) -> None:
        world = self._world
        named = [int(number) for number in _USER_MENTION.findall(message.content)]
        mentioned = [world.users[number] for number in dict.fromkeys(named) if number in world.users]
        if allowed is not None and "users" not in allowed.get("parse", ()):
            wanted = {int(number) for number in allowed.get("users", ())}
            mentioned = [user for user in mentioned if user.id in wanted]
        message.mentions = mentioned
        everyone = "@everyone" in message.content or "@here" in message.content
        permitted = bool(world.permissions(message.channel, message.author) & Permission.MENTION_EVERYONE)
        allowed_everyone = allowed is None or "everyone" in allowed.get("parse", ())
        message.mention_everyone = everyone and permitted and allowed_everyone

    def _mark(self, message: Message, key: str) -> dict[str, Any]:
        data = {key: str(message.id), "channel_id": str(message.channel.id)}
        if message.channel.guild is not None:
            data["guild_id"] = str(message.channel.guild.id)
        return data


def _intent(channel: Channel) -> Intent:
    return Intent.DIRECT_MESSAGES if channel.is_direct else Intent.GUILD_MESSAGES


def _shown_embed(embed: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """
    As Discord gives it back: typed, without what it does not know, with the addresses of uploaded files.
    """
    shown: dict[str, Any] = {"type": "rich"}
    for key in ("title", "description", "url", "color", "timestamp", "footer", "author", "fields"):
        if embed.get(key) is not None:
            shown[key] = copy.deepcopy(embed[key])
    for field in shown.get("fields", ()):
        field["inline"] = bool(field.get("inline", False))
    for key in ("image", "thumbnail"):
        if embed.get(key):
            url = str(embed[key]["url"])
            url = files.get(url.removeprefix("attachment://"), url)
            shown[key] = {"url": url, "proxy_url": url, "width": 0, "height": 0, "flags": 0}
    return shown
