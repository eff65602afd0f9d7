"""
The whole product while Discord is in trouble for minutes: checks go on and find what they find, and when the trouble ends
every change was told once and in order, and the bot answers again.

Each row is a trouble, what happens in it, and how it ends. Time passes from try to try by a clock that leaps, so an outage
of twenty minutes takes as many tries as it would in life, and no time.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial

import pytest
import pytest_asyncio
from ip_monitor.adapters.discord.announcement import told_by
from ip_monitor.adapters.discord.bot import DiscordBot
from ip_monitor.domain.events import NoticeDelivered, NoticeFailed, Trouble
from ip_monitor.testing import LeapingClock, MockAPICluster
from ip_monitor.testing.discord import DiscordDouble, Drop, Hang, Permission, RateLimit, Status

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPERATORS = {"alder": "ipify", "birch": "ipify", "cedar": "aws"}
MESSAGES = "POST /channels/*/messages"
PATIENCE_S = 20.0
TWENTY_MINUTES_S = 1200.0
A_FEW_MINUTES_S = 150.0


class News:
    """
    What became of announcements, and of the connection to Discord.
    """

    def __init__(self):
        self.delivered, self.refused, self.failures = [], [], []
        self.troubles = 0
        self._came = asyncio.Event()

    def observe(self, event):
        match event:
            case NoticeDelivered() if event.notice.sink == "discord":
                self.delivered.append(event.notice.change.key)
            case NoticeFailed(retry_at=None) if event.notice.sink == "discord":
                self.refused.append(event.notice.change.key)
            case NoticeFailed() if event.notice.sink == "discord":
                self.failures.append(event)
            case Trouble(topic="discord"):
                self.troubles += 1
            case _:
                return
        self._came.set()

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._came.clear()
                await self._came.wait()


@dataclass
class Play:
    """
    The running product, its double, and what was seen of them.
    """

    stage: object
    clock: LeapingClock
    news: News

    @property
    def double(self):
        return self.stage.double

    async def change(self):
        """
        Another address, seen by a check; its key.
        """
        self.stage.services.line.change()
        check = await self.stage.application.check()
        (change,) = check.changes
        return change.key

    async def pass_tries(self, lasting_s):
        """
        Until so much time has passed, from one failed announcement to the next.
        """
        news, end = self.news, self.clock.monotonic() + lasting_s
        await news.until(lambda: news.failures)
        while self.clock.monotonic() < end and news.failures:
            failed = len(news.failures)
            await self.clock.leap(news.failures[-1].retry_at.timestamp() - self.clock.time() + 1.0)
            await news.until(lambda failed=failed: len(news.failures) > failed or news.delivered)
            if news.delivered:
                return

    async def pass_connections(self, lasting_s):
        """
        Until so much time has passed, from one client of the bot that does not get through to the next.
        """
        news, end, asked = self.news, self.clock.monotonic() + lasting_s, "GET /channels/{channel_id}"
        while self.clock.monotonic() < end:
            troubles, began = news.troubles, len(self.double.requests(asked))
            await self.clock.leap(61.0)  # longer than the bot gives a client, or pauses after one
            await news.until(lambda troubles=troubles: news.troubles > troubles)
            async with asyncio.timeout(PATIENCE_S):
                while len(self.double.requests(asked)) == began:
                    # A leap may end the next client as well, when the pause before it was short: then there is another pause.
                    if troubles != news.troubles:
                        troubles = news.troubles
                        await self.clock.leap(61.0)
                    await asyncio.sleep(0.01)

    async def connected(self):
        """
        Until the bot is at the gateway again, however long it meant to wait: one leap for each of its pauses.
        """
        bot = next(one for one in self.stage.application.announcer._observers if isinstance(one, DiscordBot))
        leapt_at, looks = None, 0
        async with asyncio.timeout(PATIENCE_S):
            # A leap may end a client at the moment in which it gets through, so one look at it is not enough.
            while looks < 5:
                is_there = bot.link.is_up and self.double.gateway.is_ready
                looks = looks + 1 if is_there else 0
                if leapt_at != self.news.troubles and not bot.link.is_up:
                    leapt_at = self.news.troubles
                    await self.clock.leap(400.0)
                await asyncio.sleep(0.01)

    async def told(self, keys):
        """
        Until these were told, however long the next try would be waited for; the keys in the order of the messages.
        """
        news = self.news
        while not set(keys) <= set(news.delivered):
            seen = len(news.delivered) + len(news.failures)
            await self.clock.leap(400.0)
            await news.until(lambda seen=seen: len(news.delivered) + len(news.failures) > seen)


@contextlib.asynccontextmanager
async def played(staged, double, services, path, **settings):
    """
    The running product, after it told the first address.
    """
    async with staged(double, services, path, clock=double.world.clock, **settings) as stage:
        await double.message()
        await stage.application.delivery.drain()
        news = News()
        stage.application.announcer.add(news)
        yield Play(stage, double.world.clock, news)


@contextlib.asynccontextmanager
async def surroundings(authority):
    """
    The double and the services, with a clock of their own.
    """
    async with (
        DiscordDouble(authority=authority, clock=LeapingClock()) as double,
        MockAPICluster(OPERATORS, seed=7) as services,
    ):
        yield double, services


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(staged, authority, tmp_path_factory):
    """
    One product for every row that leaves it as it was.
    """
    path = tmp_path_factory.mktemp("matrix") / "settings.toml"
    async with surroundings(authority) as (double, services), played(staged, double, services, path) as play:
        yield play


@pytest_asyncio.fixture(loop_scope="module")
async def own(staged, authority, tmp_path):
    """
    A product of the test's own, for rows in which the connection breaks.
    """
    async with (
        surroundings(authority) as (double, services),
        played(staged, double, services, tmp_path / "settings.toml") as play,
    ):
        yield play
        double.heal()


@pytest_asyncio.fixture(loop_scope="module")
async def play(shared):
    """
    The shared product, with nothing seen yet.
    """
    news = shared.news
    news.delivered, news.refused, news.failures = [], [], []
    shared.stage.application._telling.delivery._send_timeout_s = 15.0
    yield shared
    shared.double.heal()
    # Every sink has written down what it did; the log's may still be at it.
    await shared.stage.application.delivery.drain()


def changes_told(messages, known):
    """
    The keys that the messages tell, in their order; a digest's keys are those of `known` between its first and last.
    """
    told = []
    for message in messages:
        span = told_by(message.embeds[0].get("footer", {}).get("text", "")) if message.embeds else None
        if span is not None:
            told += known[known.index(span[0]) : known.index(span[1]) + 1]
    return told


ROWS = {
    **{f"REST answers {status} for minutes": [Status(status)] for status in (500, 502, 503, 520)},
    **{
        f"429 of scope {scope} for minutes": [RateLimit(0.02, scope=scope)]
        for scope in ("user", "shared", "global", "cloudflare")
    },
    "answers lost after processing": [Drop(after=True)],
    "connections dropped before processing": [Drop()],
    "requests hang": [Hang()],
    "requests hang after processing": [Hang(after=True)],
}
# The library waits for these on its own; what bounds a try is ours, and cut short here.
WAITING = ("500", "502", "429", "hang")


@pytest.mark.parametrize("row", ROWS)
async def test_announcements_that_fail_for_minutes_are_told_once_and_in_order(play, row):
    """
    While the rest of Discord works, and while the checks go on, which wait for none of it.
    """
    double, before = play.double, len(play.double.messages())
    if any(word in row for word in WAITING):
        play.stage.application._telling.delivery._send_timeout_s = 0.1
    for fault in ROWS[row]:
        double.fail(fault, on=MESSAGES)
    keys = [await play.change()]
    await play.pass_tries(A_FEW_MINUTES_S)
    keys += [await play.change(), await play.change()]
    # Of what was carried out the recent messages tell, so it may be known as told in the middle of the trouble.
    assert "after" in row or play.news.delivered == []
    answered = await double.slash(double.member, double.channel, "status")
    double.heal()
    play.stage.application._telling.delivery._send_timeout_s = 15.0
    await play.told(keys)

    assert changes_told(double.messages()[before:], keys) == keys
    assert "IP Monitor" in answered.embed["title"]
    assert len(play.news.failures) >= (1 if "after" in row else 5)


@pytest.mark.parametrize("way", ["refuse", "swallow"])
async def test_both_sites_away_for_twenty_minutes_lose_and_double_nothing(own, way):
    """
    Six changes come in one digest afterwards, and the bot answers again.
    """
    double, before = own.double, len(own.double.messages())
    own.stage.application._telling.delivery._send_timeout_s = 0.1
    for site in (double.rest_site, double.gateway_site):
        getattr(site, way)()
    double.gateway.close(1001)
    keys = [await own.change()]
    await own.pass_tries(TWENTY_MINUTES_S / 2)
    keys += [await own.change() for _ in range(5)]
    await own.pass_tries(TWENTY_MINUTES_S / 2)
    assert own.news.delivered == []
    double.heal()
    own.stage.application._telling.delivery._send_timeout_s = 15.0
    await own.told(keys)
    await own.connected()
    status = await double.slash(double.member, double.channel, "status")

    told = double.messages()[before:]
    assert changes_told(told, keys) == keys
    assert len(told) < len(keys)
    assert "IP Monitor" in status.embed["title"]


async def test_changes_are_told_at_once_while_only_the_gateway_is_away(own):
    """
    For twenty minutes in which no client gets through; then the bot answers again.
    """
    double, before = own.double, len(own.double.messages())
    double.gateway_site.refuse()
    double.gateway.close(1001)
    keys = []
    for _ in range(3):
        keys.append(await own.change())
        await own.news.until(partial(own.news.delivered.__contains__, keys[-1]))
        await own.pass_connections(TWENTY_MINUTES_S / 3)
    double.heal()
    await own.connected()
    status = await double.slash(double.member, double.channel, "status")

    assert changes_told(double.messages()[before:], keys) == keys
    assert own.news.failures == []
    assert "IP Monitor" in status.embed["title"]


async def test_changes_wait_while_only_the_rest_interface_is_away(play):
    """
    For twenty minutes in which the gateway stays up; then they are told without a new connection.
    """
    double, before = play.double, len(play.double.messages())
    sessions = double.gateway.connections.copy()
    double.rest_site.refuse()
    keys = [await play.change()]
    await play.pass_tries(TWENTY_MINUTES_S)
    keys += [await play.change(), await play.change()]
    assert play.news.delivered == []
    double.heal()
    await play.told(keys)

    assert changes_told(double.messages()[before:], keys) == keys
    assert double.gateway.connections == sessions


async def test_a_token_that_is_revoked_and_replaced_loses_and_doubles_nothing(own):
    """
    For twenty minutes nothing is accepted; the new token is taken from the file without a restart.
    """
    double, before = own.double, len(own.double.messages())
    double.revoke_token()
    keys = [await own.change()]
    await own.pass_tries(TWENTY_MINUTES_S)
    keys += [await own.change(), await own.change()]
    own.stage.application.settings.discord_token_file.write_text(double.token)
    await own.told(keys)
    await own.connected()
    status = await double.slash(double.member, double.channel, "status")

    assert changes_told(double.messages()[before:], keys) == keys
    assert "IP Monitor" in status.embed["title"]


async def test_what_a_withdrawn_permission_kept_back_is_told_on_request_afterwards(play):
    """
    It is given up at once and kept, and an administrator's `/queue retry` tells it.
    """
    double, before = play.double, len(play.double.messages())
    bot = double.guild.roles[0]
    double.world.overwrite(double.channel, bot, allow=Permission.NONE, deny=Permission.SEND_MESSAGES)
    keys = [await play.change(), await play.change(), await play.change()]
    await play.news.until(lambda: play.news.refused == keys)
    await play.clock.leap(TWENTY_MINUTES_S)
    double.world.overwrite(double.channel, bot, allow=Permission.SEND_MESSAGES, deny=Permission.NONE)
    retried = await double.slash(double.admin, double.channel, "queue retry", sink="discord")
    await play.told(keys)

    assert retried.embed["title"] == "3 announcements are due now"
    assert changes_told(double.messages()[before:], keys) == keys


async def test_what_a_deleted_channel_kept_back_is_told_in_the_next_one(staged, authority, tmp_path):
    """
    The settings name another channel, the monitor starts again, and `/queue retry` tells what was given up.
    """
    path = tmp_path / "settings.toml"
    async with surroundings(authority) as (double, services):
        async with played(staged, double, services, path) as play:
            double.world.remove_channel(double.channel)
            keys = [await play.change(), await play.change(), await play.change()]
            await play.news.until(lambda: play.news.refused == keys)
        fresh = double.world.add_channel(double.guild, "ip-again")
        async with staged(double, services, path, clock=play.clock, discord_channel=fresh.id) as stage:
            stage.application.announcer.add(play.news)
            retried = await double.slash(double.admin, fresh, "queue retry")
            await play.told(keys)

        assert retried.embed["title"] == "3 announcements are due now"
        assert changes_told(double.messages(fresh), keys) == keys
