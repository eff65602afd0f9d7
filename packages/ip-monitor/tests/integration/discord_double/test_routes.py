"""
Requests that the bot seldom makes, by the real client: commands one by one, pins, reactions, and what is refused to whom.
"""

from __future__ import annotations

import asyncio

import discord
import pytest
from ip_monitor.testing.discord import Permission


@pytest.fixture
async def client(double):
    """
    The real client without a gateway connection.
    """
    client = discord.Client(intents=discord.Intents.none(), connector=double.connector())
    await client.login(double.token)
    yield client
    await client.close()


@pytest.fixture
async def http(client):
    """
    What the client itself sends its requests with: some of them have no nicer form.
    """
    return client.http


@pytest.fixture
async def channel(client, double):
    return client.get_partial_messageable(double.channel.id, guild_id=double.guild.id)


async def codes(*requests) -> list[tuple[int, int]]:
    """
    With which status and Discord's own code each request is refused.
    """
    seen = []
    for request in requests:
        with pytest.raises(discord.HTTPException) as refused:
            await request
        seen.append((refused.value.status, refused.value.code))
    return seen


def may(double, *, allow=Permission.NONE, deny=Permission.NONE) -> None:
    """
    What the bot may do in the channel, beside what its role says.
    """
    double.world.overwrite(double.channel, double.world.bot, allow=allow, deny=deny)


@pytest.mark.parametrize("scope", ["everywhere", "one guild"])
async def test_a_command_is_made_changed_and_deleted_by_itself(double, http, scope):
    """
    It keeps its number when it is changed or made again, and changes its version; another of the same scope is left alone.
    """
    application = double.world.application_id
    where = (application,) if scope == "everywhere" else (application, double.guild.id)
    kind = "global" if scope == "everywhere" else "guild"
    make, edit, get, delete, every = (
        getattr(http, name)
        for name in (
            f"upsert_{kind}_command",
            f"edit_{kind}_command",
            f"get_{kind}_command",
            f"delete_{kind}_command",
            f"get_{kind}_commands",
        )
    )
    option = {"type": 3, "name": "family", "description": "which", "choices": [{"name": "four", "value": "4"}]}
    other = await make(*where, {"name": "history", "description": "which there were"})
    made = await make(*where, {"name": "ip", "description": "which it is", "default_member_permissions": 8})
    again = await make(*where, {"name": "ip", "description": "the address", "options": [option]})
    edited = await edit(*where, made["id"], {"description": "the address now"})
    read = await get(*where, made["id"])
    await delete(*where, made["id"])

    assert made["default_member_permissions"] == "8"
    assert made["id"] == again["id"] == edited["id"]
    assert len({made["version"], again["version"], edited["version"]}) == 3
    assert read == edited
    assert (read["description"], read["options"][0]["choices"][0]["value"]) == ("the address now", "4")
    assert await every(*where) == [other]
    assert await codes(get(*where, made["id"]), delete(*where, made["id"])) == [(404, 10063), (404, 10063)]


async def test_nobody_elses_application_guild_channel_or_user_is_told_of(double, http):
    """
    As Discord refuses them: by what is not allowed, or is not there.
    """
    application = double.world.application_id

    assert await codes(
        http.get_global_commands(application + 1),
        http.get_guild_commands(application, double.guild.id + 1),
        http.get_channel(double.channel.id + 1),
        http.start_private_message(double.member.id + 1000),
        http.get_message(double.channel.id, 1),
    ) == [(403, 20012), (403, 50001), (404, 10003), (404, 10013), (404, 10008)]


async def test_a_channel_and_a_direct_one_are_described_and_typed_in(double, client, channel):
    """
    The one by its guild, the other by who is in it; it is the same one however often it is opened.
    """
    seen = await client.http.get_channel(double.channel.id)
    direct = await client.http.start_private_message(double.member.id)
    again = await client.http.start_private_message(double.member.id)
    await channel.typing()

    assert (seen["name"], seen["guild_id"]) == (double.channel.name, str(double.guild.id))
    assert direct["id"] == again["id"]
    assert [user["id"] for user in direct["recipients"]] == [str(double.member.id)]


async def test_messages_are_deleted_by_their_author_or_by_who_may(double, client, channel):
    """
    Only the author edits. One by one or many at once; a number that there is not is passed over.
    """
    mine = await channel.send("one")
    double.text(double.member, double.channel, "two")
    double.text(double.member, double.channel, "three")
    numbers = [str(message.id) for message in double.messages()]
    http = client.http
    await mine.delete()
    refused = await codes(
        http.edit_message(double.channel.id, numbers[1], params=discord.http.handle_message_parameters("2"))
    )
    forbidden = await codes(http.delete_message(double.channel.id, numbers[1]))
    may(double, allow=Permission.MANAGE_MESSAGES)
    await http.delete_message(double.channel.id, numbers[1])
    await http.delete_messages(double.channel.id, [numbers[2], "1"])

    assert (refused, forbidden) == ([(403, 50005)], [(403, 50013)])
    assert [message.content for message in double.messages() if not message.is_deleted] == []


async def test_pins_are_listed_newest_first_and_taken_off(double, client, channel):
    """
    By the new route and by the one that it took the place of.
    """
    first, second = await channel.send("one"), await channel.send("two")
    may(double, deny=Permission.PIN_MESSAGES)
    forbidden = await codes(first.pin())
    may(double, allow=Permission.PIN_MESSAGES)
    await first.pin()
    await second.pin()
    pinned = [message.content async for message in channel.pins()]
    route = discord.http.Route("GET", "/channels/{channel_id}/pins", channel_id=double.channel.id)
    old = [message["content"] for message in await client.http.request(route)]
    await second.unpin()

    assert forbidden == [(403, 50013)]
    assert sorted(pinned) == sorted(old) == ["one", "two"]
    assert [message.content async for message in channel.pins()] == ["one"]


async def test_a_reaction_is_kept(double, channel):
    """
    With its emoji, on its message.
    """
    message = await channel.send("one")
    await message.add_reaction("✅")

    assert [one.reactions for one in double.messages()] == [["✅"]]


async def test_history_is_empty_for_who_may_not_read_it(double, client, channel):
    """
    No error: an empty list.
    """
    await channel.send("one")
    may(double, deny=Permission.READ_MESSAGE_HISTORY)

    assert [message async for message in channel.history()] == []
    assert await codes(client.http.get_message(double.channel.id, double.messages()[0].id)) == [(403, 50013)]


@pytest.fixture
async def deferred(double, http):
    """
    An interaction that the bot has answered with "is thinking", and the words of a user who waits for it.
    """
    await http.upsert_global_command(double.world.application_id, {"name": "ip", "description": "the address"})
    waiting = asyncio.create_task(double.slash(double.member, double.channel, "ip"))
    await double.until(lambda: double.world.interactions, "the interaction")
    (interaction,) = double.world.interactions.values()
    route = discord.http.Route("POST", f"/interactions/{interaction.id}/{interaction.token}/callback")
    await http.request(route, json={"type": 5})
    yield interaction
    await waiting


async def test_a_follow_up_takes_the_place_of_thinking(double, http, deferred):
    """
    The first one; the next is a message of its own. Each can be read, and is gone when it was deleted.
    """
    application, token = double.world.application_id, deferred.token
    post = discord.http.Route("POST", f"/webhooks/{application}/{token}")
    first = await http.request(post, json={"content": "first"})
    second = await http.request(post, json={"content": "second"})
    message = f"/webhooks/{application}/{token}/messages"
    read = await http.request(discord.http.Route("GET", f"{message}/{second['id']}"))
    await http.request(discord.http.Route("DELETE", f"{message}/{second['id']}"))

    assert (deferred.original.content, str(deferred.original.id)) == ("first", first["id"])
    assert (read["content"], double.messages()[-1].content) == ("second", "first")
    assert await codes(http.request(discord.http.Route("GET", f"{message}/{second['id']}"))) == [(404, 10008)]


async def test_the_token_of_an_interaction_is_no_webhook(double, http, deferred):
    """
    It has no name to read and cannot be deleted; another token is none at all.
    """
    application = double.world.application_id
    own, other = f"/webhooks/{application}/{deferred.token}", f"/webhooks/{application}/wrong"
    await http.request(discord.http.Route("POST", own), json={"content": "done"})

    assert await codes(
        http.request(discord.http.Route("GET", own)),
        http.request(discord.http.Route("DELETE", own)),
        http.request(discord.http.Route("POST", other), json={"content": "x"}),
    ) == [(404, 10015), (404, 10015), (401, 50027)]


async def test_a_webhook_is_read_and_deleted_by_its_address(double, http, channel):
    """
    It edits its own messages only, and ends with its channel.
    """
    webhook = double.world.add_webhook(double.channel)
    path = f"/webhooks/{webhook.id}/{webhook.token}"
    foreign = await channel.send("mine")
    read = await http.request(discord.http.Route("GET", path))
    refused = await codes(http.request(discord.http.Route("GET", f"{path}/messages/{foreign.id}")))
    await http.request(discord.http.Route("DELETE", path))
    gone = await codes(http.request(discord.http.Route("GET", path)))
    orphan = double.world.add_webhook(double.channel)
    double.world.remove_channel(double.channel)
    post = discord.http.Route("POST", f"/webhooks/{orphan.id}/{orphan.token}")

    assert (read["name"], read["channel_id"]) == (webhook.name, str(double.channel.id))
    assert refused == [(404, 10008)]
    assert gone == [(404, 10015)]
    assert await codes(http.request(post, json={"content": "x"})) == [(404, 10015)]


async def test_a_full_list_of_pins_takes_no_more(double, client, channel):
    """
    250 a channel; to pin twice is to pin once. Direct messages have pins too.
    """
    may(double, allow=Permission.PIN_MESSAGES)
    for number in range(251):
        double.text(double.member, double.channel, str(number))
    first, *others, last = double.messages()
    for message in others:
        message.pinned_at = double.world.now()
    await client.http.pin_message(double.channel.id, first.id)
    await client.http.pin_message(double.channel.id, first.id)
    full = await codes(client.http.pin_message(double.channel.id, last.id))
    direct = await client.http.start_private_message(double.member.id)
    private = await client.get_partial_messageable(int(direct["id"])).send("psst")
    await private.pin()
    pinned = [message.content async for message in private.channel.pins()]
    await private.delete()

    assert full == [(400, 30003)]
    assert pinned == ["psst"]
