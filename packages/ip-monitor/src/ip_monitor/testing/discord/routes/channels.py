"""
Channels and what is written in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord import refusal
from ip_monitor.testing.discord.calls import NO_CONTENT, Answer, Call, Route
from ip_monitor.testing.discord.intents import Intent
from ip_monitor.testing.discord.permissions import Permission

if TYPE_CHECKING:
    from ip_monitor.testing.discord.messages import Message
    from ip_monitor.testing.discord.places import Channel

_CONTENT_KEYS = ("content", "embeds", "components", "attachments", "sticker_ids", "poll")


async def _get_channel(call: Call) -> Answer:
    return Answer(200, _seen(call).payload())


async def _open_direct(call: Call) -> Answer:
    number = int(call.body["recipient_id"])
    user = call.world.users.get(number)
    if user is None:
        raise refusal.unknown_user()
    return Answer(200, call.world.direct(user).payload())


async def _typing(call: Call) -> Answer:
    call.world.require(_channel(call), Permission.SEND_MESSAGES)
    return NO_CONTENT


# ---------------------------------------------------------------- messages


async def _create_message(call: Call) -> Answer:
    """
    With `enforce_nonce`, a message of the same nonce in the last minutes is answered again instead of made twice.
    """
    world, channel, body = call.world, _channel(call), dict(call.form)
    _require_for_content(call, channel)
    if channel.recipient is not None and not channel.recipient.accepts_direct:
        raise refusal.cannot_reach_user()
    if body.get("enforce_nonce") and body.get("nonce") is not None:
        earlier = call.nonces.earlier(channel, body["nonce"])
        if earlier is not None:
            return Answer(200, earlier.payload())
    reference = _reference(call, channel, body)
    message = call.posting.create(channel, world.bot, body, files=call.files, reference=reference)
    if body.get("enforce_nonce"):
        call.nonces.keep(message)
    return Answer(200, message.payload())


async def _list_messages(call: Call) -> Answer:
    """
    Newest first; without the permission to read the history there is none, and no error.
    """
    channel = _seen(call)
    if not call.world.permissions(channel, call.world.bot) & Permission.READ_MESSAGE_HISTORY:
        return Answer(200, [])
    found = call.world.history(channel)
    limit = int(call.query.get("limit", 50))
    if "before" in call.query:
        found = [message for message in found if message.id < int(call.query["before"])]
    if "after" in call.query:
        found = [message for message in found if message.id > int(call.query["after"])][:limit]
    if "around" in call.query:
        middle = int(call.query["around"])
        older = [message for message in found if message.id <= middle][-(limit // 2) - 1 :]
        found = [*older, *[message for message in found if message.id > middle][: limit // 2]]
    return Answer(200, [message.payload() for message in reversed(found[-limit:])])


async def _get_message(call: Call) -> Answer:
    channel = _seen(call)
    call.world.require(channel, Permission.READ_MESSAGE_HISTORY)
    return Answer(200, _message(call, channel).payload())


async def _edit_message(call: Call) -> Answer:
    channel = _seen(call)
    message = _message(call, channel)
    if message.author is not call.world.bot:
        raise refusal.not_the_author()
    return Answer(200, call.posting.edit(message, call.form, files=call.files).payload())


async def _delete_message(call: Call) -> Answer:
    channel = _seen(call)
    message = _message(call, channel)
    if message.author is not call.world.bot:
        call.world.require(channel, Permission.MANAGE_MESSAGES)
    call.posting.delete(message)
    return NO_CONTENT


async def _bulk_delete(call: Call) -> Answer:
    channel = _seen(call)
    call.world.require(channel, Permission.MANAGE_MESSAGES)
    numbers = [int(number) for number in call.body["messages"]]
    for number in numbers:
        if number in (held := call.world.messages(channel)):
            call.posting.delete(held[number])
    return NO_CONTENT


# ---------------------------------------------------------------- pins and reactions


async def _pins(call: Call) -> Answer:
    channel = _seen(call)
    pinned = [message for message in call.world.history(channel) if message.is_pinned]
    pinned.sort(key=lambda message: message.pinned_at or "", reverse=True)
    if "before" in call.query:
        pinned = [message for message in pinned if (message.pinned_at or "") < call.query["before"]]
    limit = int(call.query.get("limit", 50))
    items = [{"pinned_at": message.pinned_at, "message": message.payload()} for message in pinned[:limit]]
    return Answer(200, {"items": items, "has_more": len(pinned) > limit})


async def _old_pins(call: Call) -> Answer:
    pinned = [message for message in call.world.history(_seen(call)) if message.is_pinned]
    return Answer(200, [message.payload() for message in reversed(pinned)])


async def _pin(call: Call) -> Answer:
    return _set_pin(call, pinned=True)


async def _unpin(call: Call) -> Answer:
    return _set_pin(call, pinned=False)


def _set_pin(call: Call, *, pinned: bool) -> Answer:
    channel = _channel(call)
    call.world.require(channel, Permission.PIN_MESSAGES)
    call.posting.pin(_message(call, channel), pinned=pinned)
    return NO_CONTENT


async def _react(call: Call) -> Answer:
    channel = _channel(call)
    call.world.require(channel, Permission.READ_MESSAGE_HISTORY)
    message = _message(call, channel)
    message.reactions.append(call.params["emoji_name"])
    data: dict[str, Any] = {
        "user_id": str(call.world.bot.id),
        "channel_id": str(channel.id),
        "message_id": str(message.id),
        "emoji": {"id": None, "name": call.params["emoji_name"]},
        "burst": False,
        "type": 0,
    }
    if channel.guild is not None:
        data["guild_id"] = str(channel.guild.id)
    call.world.publish("MESSAGE_REACTION_ADD", data, needs=Intent.GUILD_MESSAGE_REACTIONS)
    return NO_CONTENT


# ---------------------------------------------------------------- parts


def _channel(call: Call) -> Channel:
    return call.world.channel(call.number("channel_id"))


def _seen(call: Call) -> Channel:
    channel = _channel(call)
    call.world.require(channel)
    return channel


def _message(call: Call, channel: Channel) -> Message:
    message = call.world.messages(channel).get(call.number("message_id"))
    if message is None or message.only_for is not None:
        raise refusal.unknown_message()
    return message


def _require_for_content(call: Call, channel: Channel) -> None:
    needed = [Permission.SEND_MESSAGES]
    if call.form.get("embeds"):
        needed.append(Permission.EMBED_LINKS)
    if call.files:
        needed.append(Permission.ATTACH_FILES)
    call.world.require(channel, *needed)


def _reference(call: Call, channel: Channel, body: dict[str, Any]) -> Message | None:
    asked = body.get("message_reference")
    if not asked:
        return None
    message = call.world.messages(channel).get(int(asked["message_id"]))
    if message is None and asked.get("fail_if_not_exists", True):
        raise refusal.invalid_form(
            {
                "message_reference": {
                    "_errors": [{"code": "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "message": "Unknown message"}]
                }
            }
        )
    return message


_ONE = "/channels/{channel_id}/messages/{message_id}"

ROUTES = (
    Route("GET", "/channels/{channel_id}", _get_channel),
    Route("POST", "/users/@me/channels", _open_direct),
    Route("POST", "/channels/{channel_id}/typing", _typing),
    # Before the routes with {message_id}, which would take the word for a number.
    Route("GET", "/channels/{channel_id}/messages/pins", _pins),
    Route("PUT", "/channels/{channel_id}/messages/pins/{message_id}", _pin),
    Route("DELETE", "/channels/{channel_id}/messages/pins/{message_id}", _unpin),
    Route("GET", "/channels/{channel_id}/pins", _old_pins),
    Route("PUT", "/channels/{channel_id}/pins/{message_id}", _pin),
    Route("DELETE", "/channels/{channel_id}/pins/{message_id}", _unpin),
    Route("POST", "/channels/{channel_id}/messages/bulk-delete", _bulk_delete),
    Route("POST", "/channels/{channel_id}/messages", _create_message),
    Route("GET", "/channels/{channel_id}/messages", _list_messages),
    Route("GET", _ONE, _get_message),
    Route("PATCH", _ONE, _edit_message),
    Route("DELETE", _ONE, _delete_message),
    Route("PUT", _ONE + "/reactions/{emoji_name}/@me", _react),
)
