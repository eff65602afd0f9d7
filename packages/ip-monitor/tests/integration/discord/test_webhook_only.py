"""
The whole product with a webhook and no bot: it announces, and keeps no connection to Discord.
"""

from __future__ import annotations

import asyncio

import pytest
from ip_monitor.domain.events import NoticeDelivered, NoticeFailed
from ip_monitor.testing import LeapingClock, MockAPICluster
from ip_monitor.testing.discord import DiscordDouble, RateLimit, Status

EXECUTE = "POST /webhooks/{webhook_id}/{webhook_token}"
OPERATORS = {"alder": "ipify", "birch": "ipify", "cedar": "aws"}


class News:
    """
    What became of the webhook's notices.
    """

    def __init__(self):
        self.delivered, self.failures = [], []
        self._came = asyncio.Event()

    def observe(self, event):
        match event:
            case NoticeDelivered() if event.notice.sink == "discord-webhook":
                self.delivered.append(event.notice.change.key)
            case NoticeFailed() if event.notice.sink == "discord-webhook":
                self.failures.append(event)
            case _:
                return
        self._came.set()

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not condition():
                self._came.clear()
                await self._came.wait()


@pytest.fixture
async def stage(authority, staged, tmp_path):
    """
    The product, after it told the first address through the webhook.
    """
    async with (
        DiscordDouble(authority=authority, clock=LeapingClock()) as double,
        MockAPICluster(OPERATORS, seed=7) as services,
    ):
        hook = double.world.add_webhook(double.channel)
        words = {"discord_webhook": hook.url, "discord_address": "masked", "discord_language": "de"}
        path = tmp_path / "settings.toml"
        async with staged(double, services, path, has_bot=False, clock=double.world.clock, **words) as made:
            await double.message()
            await made.application.delivery.drain()
            yield made


async def changed(stage):
    stage.services.line.change()
    check = await stage.application.check()
    return check.changes[0]


async def test_a_webhook_alone_announces_without_a_gateway_connection(stage):
    """
    In the language and with the addresses hidden as the settings say; by one route, with no token and no gateway.
    """
    double = stage.double
    first = double.messages()[-1]
    change = await changed(stage)
    told = await double.message(after=first)

    assert first.embed["title"] == "IPv4-Adresse bekannt"
    assert told.embed["title"] == "IPv4-Adresse hat sich geändert"
    assert told.embed["footer"]["text"].endswith(change.key)
    assert str(change.address) not in told.text
    assert {each.route for each in double.exchanges} == {EXECUTE}
    assert (double.gateway.connections, double.gateway.sessions) == (set(), {})
    assert double.requests("GET /gateway/bot") == []


async def test_what_waited_in_an_outage_comes_in_one_message_of_the_webhook(stage):
    """
    Refused connections, failures and a limit: nothing is lost, checks go on, and five changes are one digest.
    """
    double, before, news = stage.double, len(stage.double.messages()), News()
    stage.application.announcer.add(news)
    double.rest_site.refuse()
    keys = [(await changed(stage)).key]
    await news.until(lambda: news.failures)
    double.heal()
    double.fail(Status(503), times=1)
    await double.world.clock.leap(400.0)
    await news.until(lambda: len(news.failures) > 1)
    double.fail(RateLimit(0.5), times=1)
    await double.world.clock.leap(400.0)
    await news.until(lambda: len(news.failures) > 2)
    keys += [(await changed(stage)).key for _ in range(5)]
    await double.world.clock.leap(400.0)
    await news.until(lambda: news.delivered == keys)

    first, digest = double.messages()[before:]
    assert first.embed["footer"]["text"].endswith(keys[0])
    assert digest.embed["footer"]["text"].endswith(f"{keys[1]} … {keys[-1]}")
    assert [failure.reason for failure in news.failures[1:]] == [
        "Discord answers 503",
        "Discord asks for patience (429)",
    ]


async def test_a_webhook_that_was_deleted_is_given_up_with_what_to_do(stage):
    """
    At once and for good, kept on record, and without its address, which is a secret.
    """
    double, news = stage.double, News()
    stage.application.announcer.add(news)
    (hook,) = double.world.webhooks.values()
    double.world.webhooks.clear()
    await changed(stage)
    await news.until(lambda: news.failures)

    (failure,) = news.failures
    assert failure.retry_at is None
    assert "It was deleted, or its address is wrong." in failure.reason
    assert hook.token not in failure.reason
