"""
From the start to the end of the bot, and what stands between.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial

import pytest
from hermetic.world.http import fail
from ip_monitor.adapters.discord.gateway import IDENTIFY_PAUSE_S, GatewayClient
from ip_monitor.domain.events import NoticeDelivered, NoticeFailed
from ip_monitor.testing import LeapingClock, MockAPICluster
from ip_monitor.testing.discord import DiscordDouble, Drop, Status
from ip_monitor.testing.discord.intents import Intent

OPERATORS = {"alder": "ipify", "birch": "ipify", "cedar": "aws"}


@pytest.fixture
async def double(authority):
    async with DiscordDouble(authority=authority) as running:
        yield running


@pytest.fixture
async def services():
    async with MockAPICluster(OPERATORS, seed=7) as cluster:
        yield cluster


@pytest.fixture
def play(double, services, tmp_path, staged):
    """
    Plays the product, connected, with the settings given.
    """

    def begin(**settings):
        return staged(double, services, tmp_path / "settings.toml", **settings)

    return begin


class Told:
    """
    What became of notices.
    """

    def __init__(self):
        self.delivered, self.failed = [], []
        self.news = asyncio.Event()

    def observe(self, event):
        match event:
            case NoticeDelivered() if event.notice.sink == "discord":
                self.delivered.append(event.notice)
            case NoticeFailed() if event.notice.sink == "discord":
                self.failed.append(event)
            case _:
                return
        self.news.set()

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def all_of(self, *changes):
        """
        Until these were delivered.
        """
        keys = {change.key for change in changes}
        await self.until(lambda: keys <= {notice.change.key for notice in self.delivered})


def announcements(double):
    return [
        m for m in double.messages() if m.embeds and m.embeds[0].get("footer", {}).get("text", "").startswith("change")
    ]


def key_of(message):
    return message.embeds[0]["footer"]["text"].split()[-1]


async def move(stage):
    """
    Another address, seen and written down.
    """
    stage.services.line.change()
    check = await stage.application.check()
    return check.changes[0]


async def test_stop_answers_and_then_ends_the_monitor(double, play):
    """
    The yes is answered before the end, and the bot leaves as invisible, without the two minutes of a mere close.
    """
    async with play() as stage:
        asked = await double.slash(double.admin, double.channel, "stop")
        stopping = await double.click(double.admin, asked, "Yes, do it")
        assert stopping.embed["title"] == "The monitor stops"
        async with asyncio.timeout(3):
            await stage.running
        assert double.gateway.status == "offline"


async def state_kept(stage):
    """
    Until the database says that Discord was told the commands.
    """
    async with asyncio.timeout(20):
        while "discord_commands" not in await stage.application.storage.load_state():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_commands_are_registered_once_and_again_on_demand(double, play):
    """
    Not at a second start with the same tree; `/sync` does it whatever was told.
    """
    route = "PUT /applications/{application_id}/commands"
    async with play() as stage:
        await state_kept(stage)
    async with play():
        await double.slash(double.member, double.channel, "help")
        assert len(double.requests(route)) == 1
        await double.slash(double.admin, double.channel, "sync")
        assert len(double.requests(route)) == 2


async def test_a_failing_registration_does_not_keep_the_bot_away(double, play):
    """
    503 there is told as trouble, and what else there is goes on.
    """
    double.fail(Status(503), on="PUT /applications/*/commands", times=1)
    async with play(wait=False) as stage:
        await double.ready(within_s=20)
        assert (await double.message()).embed["title"] == "IPv4 address known"
        assert not stage.running.done()


async def test_changes_are_announced_while_the_gateway_is_away(double, play):
    """
    By REST, in order, once each.
    """
    told = Told()
    async with play() as stage:
        await double.message()
        stage.application.announcer.add(told)
        double.gateway_site.refuse()
        double.gateway.close(1001)
        changes = [await move(stage) for _ in range(3)]
        await told.all_of(*changes)

    assert [change.key for change in changes] == [key_of(one) for one in announcements(double)[1:]]
    double.gateway_site.restore()


async def test_a_message_whose_answer_was_lost_is_there_once(double, play):
    """
    The nonce keeps the second try from making another message.
    """
    told = Told()
    async with play() as stage:
        await double.message()
        stage.application.announcer.add(told)
        double.fail(Drop(after=True), on="POST /channels/*/messages", times=1)
        change = await move(stage)
        await told.all_of(change)

    assert [change.key] == [failed.notice.change.key for failed in told.failed]
    assert [change.key] == [key_of(one) for one in announcements(double)[1:]]


async def test_the_status_message_is_pinned_once_and_edited_in_place(double, play):
    """
    Over a restart too; one that somebody deleted is sent anew.
    """

    def pinned():
        return [m for m in double.messages() if m.is_pinned and not m.is_deleted]

    async with play(discord_status_message=True) as stage:
        await double.until(lambda: pinned() and "203.0.113" in pinned()[0].text, "the address in the pinned message")
        (first,) = pinned()
        assert [control.label for control in first.controls] == ["Check now", "Why?", "History"]
        stage.application.request_stop()
        await stage.running
    edits = len(first.revisions)
    async with play(discord_status_message=True):
        await double.until(lambda: len(first.revisions) > edits, "an edit of the same message")
        assert pinned() == [first]


async def test_status_tells_which_service_ails_and_who_is_left_alone(double, play):
    """
    Each service with its level and what went wrong last; each breaker that is open, with when it is tried again.
    """
    async with play(hedge_s=0) as stage:
        stage.services["cedar"].fail_as(fail(500))
        double.fail(Status(503), on="POST /channels/*/messages", times=1)
        for _ in range(3):
            await stage.application.check()
        told = Told()
        stage.application.announcer.add(told)
        await move(stage)
        await told.until(lambda: told.failed)
        status = await double.slash(double.member, double.channel, "status")

    shown = {field["name"]: field["value"] for field in status.embed["fields"]}
    assert shown["Health"].splitlines() == [
        "🟢 `IPv4`, `sink log`, `storage`",
        "🟡 `sink discord` minor: Discord answers 503",
    ]
    assert re.fullmatch(r"`source cedar IPv4` is open; the next try is in \d+ min( \d+ s)?", shown["Circuit breakers"])


async def test_a_first_connection_that_fails_is_followed_by_another(double, play):
    """
    The library ends with an error of its own then; changes are announced meanwhile.
    """
    double.gateway_site.refuse()
    async with play(wait=False) as stage:
        assert (await double.message(within_s=10)).embed["title"] == "IPv4 address known"
        await double.until(lambda: not stage.running.done(), "a monitor that goes on")
        double.gateway_site.restore()
        await double.ready(within_s=20)
        await double.commands("status", within_s=20)
        reply = await double.slash(double.member, double.channel, "status")
        assert "IP Monitor" in reply.embed["title"]


async def test_a_reconnect_and_an_invalid_session_leave_the_bot_answering(double, play):
    """
    Resumed or begun anew, commands are answered, and no one-time work is done twice.
    """
    clock = LeapingClock()
    async with play(clock=clock):
        await double.commands("help")
        for trouble in (double.gateway.reconnect, double.gateway.invalidate, lambda: double.gateway.close(4000)):
            ending = partial(double.gateway.connections.isdisjoint, double.gateway.connections.copy())
            trouble()
            await double.until(ending, "the end of the connection", within_s=20)
            if trouble == double.gateway.invalidate:
                async with asyncio.timeout(20):
                    await clock.pass_over(IDENTIFY_PAUSE_S)
            await double.ready(within_s=20)
            reply = await double.slash(double.member, double.channel, "help")
            assert reply.embed["title"] == "IP Monitor"
        assert len(double.requests("PUT /applications/{application_id}/commands")) == 1


async def test_text_commands_are_off_where_their_intent_is_not_granted(authority, services, tmp_path, staged):
    """
    Told as trouble with what to do; slash commands work.
    """
    async with (
        DiscordDouble(authority=authority, privileged=Intent.NONE) as double,
        staged(double, services, tmp_path / "settings.toml", discord_text_commands=True) as stage,
    ):
        asked = double.text(double.member, double.channel, "!status")
        status = await double.slash(double.member, double.channel, "status")

        assert "message content intent" in status.text
        assert [m for m in double.messages() if m.id > asked.id and m.author.is_bot and not m.is_ephemeral] == []
        assert not stage.running.done()


async def test_an_answer_that_takes_long_is_acknowledged_first(double, play):
    """
    Before Discord's three seconds are over; the answer follows in the same message, for the same eyes.
    """
    async with play(timeout_s=5) as stage:
        await double.message()
        for server in stage.services:
            server.latency(1.3)
        reply = await double.slash(double.admin, double.channel, "cache refresh", within_s=20)

        assert reply.is_deferred
        assert reply.is_ephemeral
        assert "203.0.113" in reply.text


async def test_commands_are_answered_while_no_provider_is(double, play):
    """
    An outage of the line is an answer too.
    """
    async with play(timeout_s=0.5) as stage:
        await double.message()
        await stage.services.stop()
        reply = await double.slash(double.admin, double.channel, "cache refresh", within_s=20)

        assert reply.embed["title"] == "offline"
        assert stage.application.settings.discord_channel == double.channel.id


async def test_an_answer_that_discord_did_not_take_is_sent_again(double, play):
    """
    503 at first, and an acknowledgement that was lost: one answer, in time.
    """
    async with play():
        double.fail(Status(503), on="POST /interactions/*/callback", times=1)
        first = await double.slash(double.member, double.channel, "help")
        double.fail(Drop(after=True), on="POST /interactions/*/callback", times=1)
        second = await double.slash(double.member, double.channel, "help")

        assert [first.embed["title"], second.embed["title"]] == ["IP Monitor"] * 2


async def test_named_people_and_roles_are_administrators(double, play):
    """
    In the channel and in direct messages; whoever has only the name of a role elsewhere is not.
    """
    world = double.world
    keeper, named, other = (world.add_user(name) for name in ("keeper", "named", "other"))
    role = world.add_role(double.guild, "Keepers")
    world.add_member(double.guild, keeper, role)
    world.add_member(double.guild, other, world.add_role(double.guild, "Keepers"))
    async with play(discord_admin_roles=[role.id], discord_admins=[named.id]):
        for user, place, title in (
            (keeper, double.channel, "Announcements"),
            (keeper, world.direct(keeper), "Announcements"),
            (named, world.direct(named), "Announcements"),
            (other, double.channel, "Not allowed"),
            (other, world.direct(other), "Not allowed"),
        ):
            reply = await double.slash(user, place, "queue status", forced=True)
            assert reply.embed["title"] == title, (user, place)


async def test_a_client_that_becomes_ready_while_it_is_closed_leaves_nothing_running(double, play, monkeypatch):
    """
    The library waits two seconds for the last server then, in a task that its own `close` forgets.
    """
    usual = GatewayClient.close

    async def late(client):
        session = next(iter(double.gateway.sessions.values()))
        client._connection.parse_ready(double.gateway._ready(session, [0, 1]))
        await usual(client)

    monkeypatch.setattr(GatewayClient, "close", late)
    async with play():
        before = asyncio.all_tasks()

    assert not {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before} & {
        "ConnectionState._delay_ready"
    }
