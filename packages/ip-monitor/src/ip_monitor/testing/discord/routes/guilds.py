"""
Guilds, members, users and webhooks, as far as a bot reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord import refusal
from ip_monitor.testing.discord.calls import Answer, Call, Route
from ip_monitor.testing.discord.permissions import Permission

if TYPE_CHECKING:
    from ip_monitor.testing.discord.places import Guild
    from ip_monitor.testing.discord.world import Webhook


async def _get_guild(call: Call) -> Answer:
    guild = _guild(call)
    data = guild.payload()
    if call.query.get("with_counts") == "true":
        data |= {"approximate_member_count": len(guild.members), "approximate_presence_count": 1}
    return Answer(200, data)


async def _my_guilds(call: Call) -> Answer:
    keys = ("id", "name", "icon", "banner", "features")
    return Answer(
        200,
        [
            {key: data[key] for key in keys} | {"owner": False, "permissions": "0"}
            for guild in call.world.guilds.values()
            for data in (guild.payload(),)
        ],
    )


async def _channels(call: Call) -> Answer:
    return Answer(200, [channel.payload() for channel in _guild(call).channels.values()])


async def _roles(call: Call) -> Answer:
    guild = _guild(call)
    return Answer(200, [role.payload() for role in (guild.everyone, *guild.roles)])


async def _member(call: Call) -> Answer:
    member = _guild(call).members.get(call.number("user_id"))
    if member is None:
        raise refusal.unknown_member()
    return Answer(200, member.payload())


async def _user(call: Call) -> Answer:
    user = call.world.users.get(call.number("user_id"))
    if user is None:
        raise refusal.unknown_user()
    return Answer(200, user.payload())


async def _create_webhook(call: Call) -> Answer:
    channel = call.world.channel(call.number("channel_id"))
    call.world.require(channel, Permission.MANAGE_WEBHOOKS)
    webhook = call.world.add_webhook(channel, str(call.body["name"]))
    webhook.application_id = call.world.application_id
    return Answer(200, webhook_payload(call, webhook))


async def _channel_webhooks(call: Call) -> Answer:
    channel = call.world.channel(call.number("channel_id"))
    call.world.require(channel, Permission.MANAGE_WEBHOOKS)
    found = [webhook for webhook in call.world.webhooks.values() if webhook.channel is channel]
    return Answer(200, [webhook_payload(call, webhook) for webhook in found])


def webhook_payload(call: Call, webhook: Webhook) -> dict[str, Any]:
    guild = webhook.channel.guild
    application = webhook.application_id
    return {
        "id": str(webhook.id),
        "type": 1,
        "name": webhook.name,
        "avatar": None,
        "channel_id": str(webhook.channel.id),
        "guild_id": None if guild is None else str(guild.id),
        "application_id": None if application is None else str(application),
        "token": webhook.token,
        "url": webhook.url,
        "user": call.world.owner.payload(),
    }


def _guild(call: Call) -> Guild:
    guild = call.world.guilds.get(call.number("guild_id"))
    if guild is None:
        raise refusal.unknown_guild()
    return guild


ROUTES = (
    Route("GET", "/users/@me/guilds", _my_guilds),
    Route("GET", "/users/{user_id}", _user),
    Route("GET", "/guilds/{guild_id}", _get_guild),
    Route("GET", "/guilds/{guild_id}/channels", _channels),
    Route("GET", "/guilds/{guild_id}/roles", _roles),
    Route("GET", "/guilds/{guild_id}/members/{user_id}", _member),
    Route("POST", "/channels/{channel_id}/webhooks", _create_webhook),
    Route("GET", "/channels/{channel_id}/webhooks", _channel_webhooks),
)
