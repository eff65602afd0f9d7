"""
From the start to the end of the bot, and what stands between.
"""

from __future__ import annotations

import asyncio

import pytest
from ip_monitor.domain.events import NoticeDelivered, NoticeFailed
from ip_monitor.testing import MockAPICluster
from ip_monitor.testing.discord import DiscordDouble, Drop, Status

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


async def test_commands_are_registered_once_and_again_on_demand(double, play):
    """
    Not at a second start with the same tree; `/sync` does it whatever was told.
    """
    route = "PUT /applications/{application_id}/commands"
    async with play():
        await double.commands("ip", "config")
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
    async with play() as stage:
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
