"""
The REST interface as the real client meets it: what is kept, limited, refused and withheld.
"""

from __future__ import annotations

import asyncio
import io
import time

import aiohttp
import discord
import pytest
from ip_monitor.testing.discord import (
    DiscordDouble,
    DoubleError,
    Drop,
    Hang,
    Permission,
    RateLimit,
    Slow,
    Status,
    ViolationError,
)
from ip_monitor.testing.discord.openapi import document
from ip_monitor.testing.discord.routes import ROUTES

POST = "POST /channels/{channel_id}/messages"


class ShiftedClock:
    """
    The machine's clocks, moved ahead by a test.
    """

    ahead_s = 0.0

    def monotonic(self):
        return time.monotonic() + self.ahead_s

    def time(self):
        return time.time() + self.ahead_s

    async def sleep(self, delay):
        await asyncio.sleep(delay)


@pytest.fixture
async def clock():
    return ShiftedClock()


@pytest.fixture
async def double(authority, clock):
    async with DiscordDouble(authority=authority, clock=clock) as running:
        yield running


@pytest.fixture
async def client(double):
    """
    The real client without a gateway connection: logged in for REST only.
    """
    client = discord.Client(intents=discord.Intents.none(), connector=double.connector())
    await client.login(double.token)
    yield client
    await client.close()


@pytest.fixture
async def channel(client, double):
    return client.get_partial_messageable(double.channel.id, guild_id=double.guild.id)


@pytest.fixture
async def raw(double):
    """
    Requests that discord.py would never send.
    """
    headers = {"Authorization": f"Bot {double.token}"}
    async with aiohttp.ClientSession(connector=double.connector(), headers=headers) as session:

        async def ask(method, path, **how):
            async with session.request(method, f"https://discord.com/api/v10{path}", **how) as response:
                return response.status, await response.json(content_type=None), response.headers

        yield ask


# ---------------------------------------------------------------- state


async def test_repeated_nonce_makes_one_message(double, channel, clock, raw):
    """
    With enforce_nonce the second request is answered with the first message, until Discord forgets the nonce.
    """
    first = await channel.send("once", nonce="change-1")
    body = {"content": "once", "nonce": "change-1", "enforce_nonce": True}
    path = f"/channels/{double.channel.id}/messages"
    _, second, _ = await raw("POST", path, json=body)
    _, third, _ = await raw("POST", path, json=body)
    clock.ahead_s += 181
    _, later, _ = await raw("POST", path, json=body)

    assert first.id == int(second["id"])
    assert second["id"] == third["id"] != later["id"]
    assert len(double.messages()) == 2


async def test_history_is_paged_as_discord_pages_it(double, channel):
    """
    Newest first; before, after, around and limit mean what the client thinks they mean.
    """
    for number in range(6):
        double.text(double.member, double.channel, str(number))
    ids = [message.id for message in double.messages()]

    async def read(**how):
        return [message.content async for message in channel.history(**how)]

    assert await read(limit=2) == ["5", "4"]
    assert await read(before=discord.Object(ids[2])) == ["1", "0"]
    assert await read(after=discord.Object(ids[3])) == ["4", "5"]
    assert await read(around=discord.Object(ids[3]), limit=3) == ["4", "3", "2"]
    assert [(await channel.fetch_message(ids[1])).content] == ["1"]


async def test_files_come_back_as_they_were_sent(double, channel):
    """
    A picture in an embed is kept, addressed, and served by the address.
    """
    picture = b"\x89PNG" + bytes(300)
    embed = discord.Embed(title="chart").set_image(url="attachment://chart.png")

    sent = await channel.send(embed=embed, file=discord.File(io.BytesIO(picture), "chart.png", description="a chart"))

    kept = double.messages()[0].attachments[0]
    assert (kept.filename, kept.data, kept.description) == ("chart.png", picture, "a chart")
    assert sent.embeds[0].image.url == kept.url
    assert await sent.attachments[0].read() == picture


async def test_plain_webhook_posts_without_a_gateway(double, raw):
    """
    A channel's webhook takes messages by its address alone, and refuses another token.
    """
    webhook = double.world.add_webhook(double.channel)
    async with aiohttp.ClientSession(connector=double.connector()) as session:
        hook = discord.Webhook.from_url(webhook.url, session=session)
        message = await hook.send("changed", username="Watcher", wait=True)
        await hook.edit_message(message.id, content="changed twice")
        with pytest.raises(discord.NotFound):
            await discord.Webhook.partial(webhook.id + 1, webhook.token, session=session).send("x")
        with pytest.raises(discord.HTTPException, match="Invalid Webhook Token"):
            await discord.Webhook.partial(webhook.id, "a" * 60, session=session).send("x")

    posted = double.messages()[0]
    assert (posted.author.name, posted.content, posted.revisions) == ("Watcher", "changed twice", ["changed"])


async def test_nobody_is_pinged_unless_allowed(double, channel):
    """
    Whom a message notifies follows allowed_mentions, and the permission for everyone.
    """
    text = f"@everyone {double.member.mention} {double.admin.mention}"
    await channel.send(text)
    await channel.send(text, allowed_mentions=discord.AllowedMentions.none())
    await channel.send(text, allowed_mentions=discord.AllowedMentions(users=[double.admin]))

    told = [(each.mention_everyone, [user.name for user in each.mentions]) for each in double.messages()]
    assert told == [(False, ["member", "admin"]), (False, []), (False, ["admin"])]


# ---------------------------------------------------------------- permissions


@pytest.mark.parametrize(
    "denied, how, code",
    [
        (Permission.VIEW_CHANNEL, {"content": "x"}, 50001),
        (Permission.SEND_MESSAGES, {"content": "x"}, 50013),
        (Permission.EMBED_LINKS, {"embed": discord.Embed(title="x")}, 50013),
        (Permission.ATTACH_FILES, {"file": b"x"}, 50013),
    ],
)
async def test_withdrawn_permission_forbids(double, channel, denied, how, code):
    """
    A channel's overwrite for the bot takes a permission away, with the code that Discord gives for it.
    """
    if "file" in how:
        how = {"file": discord.File(io.BytesIO(b"x"), "x.txt")}
    double.world.overwrite(double.channel, double.world.bot, allow=Permission.NONE, deny=denied)

    with pytest.raises(discord.Forbidden) as caught:
        await channel.send(**how)
    assert caught.value.code == code


async def test_deleted_channel_and_closed_direct_messages(double, client, channel):
    """
    10003 for a channel that is gone, 50007 for a user who takes no direct messages, 50005 for others' messages.
    """
    double.member.accepts_direct = False
    theirs = double.text(double.admin, double.channel, "mine")
    user = await client.fetch_user(double.member.id)

    with pytest.raises(discord.Forbidden) as private:
        await user.send("x")
    with pytest.raises(discord.Forbidden) as foreign:
        await channel.get_partial_message(theirs.id).edit(content="x")
    double.world.remove_channel(double.channel)
    with pytest.raises(discord.NotFound) as gone:
        await channel.send("x")
    assert [caught.value.code for caught in (private, foreign, gone)] == [50007, 50005, 10003]


async def test_roles_and_overwrites_add_up_in_discords_order(double):
    """
    @everyone, roles, then the channel's overwrites for everyone, roles and member, each denying before it allows.
    """
    world, channel = double.world, double.channel
    helper = world.add_role(double.guild, "Helper", Permission.MANAGE_MESSAGES)
    user = world.add_user("helper")
    world.add_member(double.guild, user, helper)
    send, manage = Permission.SEND_MESSAGES, Permission.MANAGE_MESSAGES

    def may(permission):
        return bool(world.permissions(channel, user) & permission)

    assert may(send)
    assert may(manage)
    world.overwrite(channel, double.guild.everyone, allow=Permission.NONE, deny=send | manage)
    assert not may(send)
    assert not may(manage)
    world.overwrite(channel, helper, allow=send, deny=Permission.NONE)
    assert may(send)
    world.overwrite(channel, user, allow=manage, deny=send)
    assert not may(send)
    assert may(manage)
    assert world.permissions(channel, double.admin) & Permission.MANAGE_GUILD
    assert not world.permissions(channel, double.stranger)


# ---------------------------------------------------------------- limits


async def test_bucket_is_announced_and_kept(double, raw):
    """
    Headers count down; past the limit comes 429 for this channel and no other, until the window is over.
    """
    double.limits.set(POST, requests=2, per_s=30)
    other = double.world.add_channel(double.guild, "other")

    async def send(where):
        status, body, headers = await raw("POST", f"/channels/{where.id}/messages", json={"content": "x"})
        return status, headers.get("X-RateLimit-Remaining"), body

    assert [(await send(double.channel))[:2] for _ in range(2)] == [(200, "1"), (200, "0")]
    status, remaining, body = await send(double.channel)
    assert (status, remaining, body["global"]) == (429, "0", False)
    assert 29 < body["retry_after"] <= 30
    assert (await send(other))[0] == 200


async def test_client_keeps_a_bucket_ahead_of_time(double, channel):
    """
    The real client waits for the window by itself, so no 429 is ever seen.
    """
    double.limits.set(POST, requests=2, per_s=0.15)

    for number in range(5):
        await channel.send(str(number))

    assert [exchange.status for exchange in double.requests(POST)] == [200] * 5


@pytest.mark.parametrize("scope", ["user", "shared", "global"])
async def test_client_waits_out_a_429(double, channel, scope):
    """
    After a 429 of these scopes the client sends again, once.
    """
    double.fail(RateLimit(retry_after_s=0.03, scope=scope), on=POST, times=1)

    await channel.send("x")

    assert [exchange.status for exchange in double.requests(POST)] == [429, 200]
    assert len(double.messages()) == 1


async def test_ban_of_the_address_is_told_apart(double, channel):
    """
    Cloudflare's 429 has no JSON and no Via header; the client raises instead of waiting.
    """
    double.fail(RateLimit(scope="cloudflare"), on=POST, times=1)

    with pytest.raises(discord.HTTPException, match="429"):
        await channel.send("x")


async def test_global_limit_leaves_interactions_alone(double, raw):
    """
    The limit over everything meets every route but the answers to interactions.
    """
    double.limits.set_global(requests=2, per_s=30)
    webhook = double.world.add_webhook(double.channel)
    answers = [await raw("GET", "/users/@me") for _ in range(3)]
    status, _, _ = await raw("POST", f"/webhooks/{webhook.id}/{webhook.token}?wait=true", json={"content": "x"})

    assert [answer[0] for answer in answers] == [200, 200, 429]
    assert answers[2][1]["global"] is True
    assert answers[2][2]["X-RateLimit-Global"] == "true"
    assert status == 200


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize("status", [503, 520])
async def test_client_raises_at_once_on(double, channel, status):
    """
    The client does not retry these statuses; what asked must.
    """
    with double.fail(Status(status), on="POST /channels/*/messages"), pytest.raises(discord.DiscordServerError):
        await channel.send("x")

    assert len(double.requests(POST)) == 1
    await channel.send("y")
    assert [message.content for message in double.messages()] == ["y"]


@pytest.mark.parametrize("after, kept", [(False, 0), (True, 1)])
async def test_connection_is_dropped_before_or_after_processing(double, channel, after, kept):
    """
    The client sees the same reset; only afterwards the message exists.
    """
    double.fail(Drop(after=after), on=POST, times=1)

    with pytest.raises((aiohttp.ClientError, OSError)):
        await channel.send("x")

    assert len(double.messages()) == kept
    assert double.requests(POST)[0].fault == f"dropped {'after' if after else 'before'} processing"


@pytest.mark.parametrize("after, kept", [(False, 0), (True, 1)])
async def test_hanging_request_ends_with_its_rule(double, channel, after, kept):
    """
    A request hangs until the rule is stopped, then its connection is reset.
    """
    rule = double.fail(Hang(after=after), on=POST)
    task = asyncio.create_task(channel.send("x"))
    await double.until(lambda: double.requests(POST) and len(double.messages()) == kept, "the request")
    assert not task.done()

    rule.stop()

    with pytest.raises((aiohttp.ClientError, OSError)):
        await task
    assert rule.met == 1


async def test_hanging_request_does_not_keep_the_double(authority):
    """
    Leaving the double ends what hangs in it.
    """
    async with DiscordDouble(authority=authority) as double:
        double.fail(Hang(), on="GET /users/@me")
        client = discord.Client(intents=discord.Intents.none(), connector=double.connector())
        task = asyncio.create_task(client.login(double.token))
        await double.until(lambda: double.exchanges, "the request")
    with pytest.raises((aiohttp.ClientError, OSError)):
        await task
    await client.close()


async def test_slow_answer_is_an_answer(double, channel):
    """
    Slowness alone changes nothing.
    """
    double.fail(Slow(0.02), on=POST, times=1)

    await channel.send("x")

    assert len(double.messages()) == 1


@pytest.mark.parametrize("way", ["refuse", "swallow"])
async def test_unreachable_site_is_found_again(double, channel, way):
    """
    Refused at once or without any answer; after that everything is as it was.
    """
    getattr(double.rest_site, way)()

    with pytest.raises((aiohttp.ClientError, OSError, TimeoutError)):
        async with asyncio.timeout(0.2):
            await channel.send("lost")
    double.heal()
    await channel.send("found")

    assert [message.content for message in double.messages()] == ["found"]


# ---------------------------------------------------------------- rules


def test_every_route_is_in_the_document():
    """
    A route that Discord does not have cannot be in the double.
    """
    operations = document()["operations"]

    assert {route.name for route in ROUTES} == set(operations)
    assert document()["license"] == "MIT"


def embed(**fields):
    return {"embeds": [{"title": "t", **fields}]}


def row(*components):
    return {"content": "x", "components": [{"type": 1, "components": list(components)}]}


def button(**how):
    return {"type": 2, "style": 1, "label": "b", "custom_id": "b", **how}


@pytest.mark.parametrize(
    "body, path, rule",
    [
        ({"content": "x" * 2001}, "content", "2000 or fewer"),
        ({"content": 7}, "content", "is not of type"),
        ({"content": "x", "colour": "y"}, "the body", "colour"),
        ({"content": "x", "nonce": "n" * 26}, "nonce", "too long"),
        ({"content": "x", "enforce_nonce": True}, "nonce", "required"),
        (embed(title="x" * 257), r"embeds[0].title", "too long"),
        (embed(fields=[{"name": " ", "value": "v"}]), "embeds[0].fields[0].name", "required"),
        (embed(fields=[{"name": "n", "value": "v" * 1025}]), "embeds[0].fields[0].value", "too long"),
        ({"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]}, "embeds", "6000"),
        ({"embeds": [{}]}, "embeds[0]", "empty"),
        (embed(image={"url": "javascript:alert(1)"}), "embeds[0].image.url", "Scheme"),
        ({"embeds": [{"title": "t"}] * 11}, "embeds", "too many items"),
        (row(button(), button()), "components", "'b' is used more than once"),
        (row(*[button(custom_id=str(n)) for n in range(6)]), "components[0].components", "too many items"),
        (row(button(style=5)), "components", "A link has a url"),
        (row(button(label=None)), "components", "a label or an emoji"),
        (row(button(custom_id="c" * 101)), "components[0].components[0].custom_id", "too long"),
        (row({"type": 3, "custom_id": "s", "options": []}), "components[0].components[0].options", "too few items"),
        ({"content": "x", "flags": 1 << 15}, "flags", "No content"),
        ({"content": "x", "allowed_mentions": {"parse": ["nobody"]}}, "allowed_mentions.parse[0]", "nobody"),
    ],
)
async def test_message_that_discord_refuses_is_refused(double, raw, body, path, rule):
    """
    50035 with the field in its tree, and the same in the double's violations.
    """
    status, answer, _ = await raw("POST", f"/channels/{double.channel.id}/messages", json=body)

    (found,) = double.take_violations()
    assert (status, answer["code"]) == (400, 50035)
    assert f": {path}: " in str(found)
    assert rule in found.rule
    assert double.messages() == []


def command(name="ip", **how):
    return {"name": name, "description": "d", "type": 1, **how}


def option(name, **how):
    return {"type": 3, "name": name, "description": "d", **how}


@pytest.mark.parametrize(
    "commands, rule",
    [
        ([command("Upper")], "invalid"),
        ([command("with space")], "invalid"),
        ([command("x" * 33)], "too long"),
        ([command(), command()], "used more than once"),
        ([command(options=[option("a"), option("a")])], "used more than once"),
        ([command(options=[option("a"), option("b", required=True)])], "Required options come first"),
        ([command(options=[option("a"), {"type": 1, "name": "s", "description": "d"}])], "do not mix"),
        ([command(description="")], ""),
        ([command(str(n)) for n in range(111)], ""),
    ],
)
async def test_commands_that_discord_refuses_are_refused(double, raw, commands, rule):
    """
    A set of commands with one fault is refused as a whole, and nothing is registered.
    """
    status, answer, _ = await raw("PUT", f"/applications/{double.world.application_id}/commands", json=commands)

    found = double.take_violations()
    assert (status, answer["code"]) == (400, 50035)
    assert any(rule in each.rule for each in found)
    assert double.world.commands == {}


async def test_commands_keep_their_numbers(double, raw):
    """
    Replacing a set leaves the numbers of those whose names stay, as mentions of commands need.
    """
    path = f"/applications/{double.world.application_id}/commands"
    _, first, _ = await raw("PUT", path, json=[command("ip"), command("old")])
    _, second, _ = await raw("PUT", path, json=[command("new"), command("ip", description="other")])

    assert second[1]["id"] == first[0]["id"]
    assert second[1]["description"] == "other"
    assert [each.name for each in double.world.commands.values()] == ["new", "ip"]


async def test_rules_broken_by_the_bot_fail_the_test(authority):
    """
    Leaving the double raises with every violation, unless the test takes them.
    """
    with pytest.raises(ViolationError, match=r"request POST /channels/.*: content: .*2000"):
        async with DiscordDouble(authority=authority) as double:
            client = discord.Client(intents=discord.Intents.none(), connector=double.connector())
            await client.login(double.token)
            with pytest.raises(discord.HTTPException):
                await client.get_partial_messageable(double.channel.id).send("x" * 2001)
            await client.close()


async def test_rules_broken_by_the_double_fail_the_test(double, raw):
    """
    An answer or event that Discord's document does not allow is told as the double's.
    """
    double.world.bot.name = 7
    await raw("GET", "/users/@me")
    double.channel.name = None
    double.world.overwrite(double.channel, double.member, allow=Permission.NONE, deny=Permission.NONE)
    double.gateway.publish("CHANNEL_UPDATE", double.channel.payload())

    assert [(found.side, found.path) for found in double.take_violations()] == [("answer", "username")]


async def test_defect_of_the_double_fails_the_test(authority, monkeypatch):
    """
    A 500 of the double's own making is not taken for Discord's trouble.
    """
    with pytest.raises(DoubleError, match="a defect of it"):
        async with DiscordDouble(authority=authority) as double:
            monkeypatch.setattr(double.world.bot, "name", object())
            client = discord.Client(intents=discord.Intents.none(), connector=double.connector())
            task = asyncio.create_task(client.login(double.token))
            await double.until(lambda: double.exchanges and double.defects, "the defect")
            task.cancel()
            await asyncio.wait({task})
            await client.close()
            double.take_violations()


async def test_empty_message_unknown_route_and_broken_json(double, raw):
    """
    Each of the other refusals has Discord's own code.
    """
    messages = f"/channels/{double.channel.id}/messages"
    empty = await raw("POST", messages, json={"content": " "})
    unknown = await raw("GET", "/nowhere")
    broken = await raw("POST", messages, data=b"{", headers={"Content-Type": "application/json"})
    stranger = await raw("GET", "/users/@me", headers={"Authorization": "Bot wrong"})
    word = await raw("GET", "/channels/abc")
    large = await raw("POST", messages, data=io.BytesIO(b" " * 1_100_000), headers={"Content-Type": "application/json"})
    deep = await raw("POST", messages, data=b"[" * 100_000, headers={"Content-Type": "application/json"})
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", b"x", filename="f")
    part = await raw("POST", messages, data=form)
    await raw("GET", f"{messages}?limit=1000")

    assert [
        (answer[0], answer[1]["code"]) for answer in (empty, unknown, broken, stranger, word, large, deep, part)
    ] == [
        (400, 50006),
        (404, 0),
        (400, 50109),
        (401, 0),
        (400, 50035),
        (413, 40005),
        (400, 50109),
        (400, 50035),
    ]
    assert "limit" in str(double.take_violations()[-1])


# ---------------------------------------------------------------- interactions


@pytest.fixture
async def begun(double, raw):
    await raw("PUT", f"/applications/{double.world.application_id}/commands", json=[command()])
    task = asyncio.create_task(double.slash(double.member, double.channel, "ip"))
    await double.until(lambda: double.world.interactions, "the interaction")
    yield next(iter(double.world.interactions.values())), task
    await task


async def test_first_answer_has_three_seconds_and_is_one(double, raw, clock, begun):
    """
    10062 after 3 seconds; 40060 for a second answer; the token is good for follow-ups for 15 minutes.
    """
    interaction, task = begun
    path = f"/interactions/{interaction.id}/{interaction.token}/callback"
    body = {"type": 4, "data": {"content": "x", "flags": 64}}
    follow = f"/webhooks/{double.world.application_id}/{interaction.token}"

    early = await raw("POST", follow, json={"content": "too early"})
    clock.ahead_s = 3.1
    late = await raw("POST", path, json=body)
    clock.ahead_s = 2
    in_time = await raw("POST", path, json=body)
    second = await raw("POST", path, json=body)
    reply = await task
    clock.ahead_s = 14 * 60
    more = await raw("POST", follow, json={"content": "more"})
    clock.ahead_s = 15 * 60 + 1
    expired = await raw("POST", follow, json={"content": "expired"})

    assert [answer[0] for answer in (early, late, in_time, second, more, expired)] == [404, 404, 204, 400, 200, 401]
    assert [answer[1]["code"] for answer in (early, late, second, expired)] == [10015, 10062, 40060, 50027]
    assert reply.is_ephemeral
    assert [message.content for message in reply.messages] == ["x", "more"]


async def test_answer_of_the_wrong_kind_is_refused(raw, begun):
    """
    A command cannot be answered by suggestions, nor by changing a message.
    """
    interaction, _ = begun
    path = f"/interactions/{interaction.id}/{interaction.token}/callback"

    suggestions = await raw("POST", path, json={"type": 8, "data": {"choices": []}})
    update = await raw("POST", path, json={"type": 7, "data": {"content": "x"}})
    stranger = await raw("POST", f"/interactions/{interaction.id}/wrong/callback", json={"type": 5})
    answered = await raw("POST", path, json={"type": 4, "data": {"content": "x"}})

    assert [answer[0] for answer in (suggestions, update, stranger, answered)] == [400, 400, 404, 204]


async def test_silence_is_shown_to_the_user(double, raw):
    """
    A bot that does not answer within 3 seconds has failed, as the user sees it.
    """
    await raw("PUT", f"/applications/{double.world.application_id}/commands", json=[command()])

    reply = await double.slash(double.member, double.channel, "ip", within_s=0.05)

    assert reply.has_failed
    assert reply.failure == "The application did not respond"
    with pytest.raises(LookupError, match="did not respond"):
        reply.message  # noqa: B018
