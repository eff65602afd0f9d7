"""
The sink between the outbox and Discord: what it sends again, what it knows as told, what it gives up.

The outbox is a real database, the sink the bot's own with its real client; the pauses between tries are cut short. What
becomes of the whole product in an outage is in the outage matrix.
"""

from __future__ import annotations

import asyncio
import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from ip_monitor.adapters.discord.address_style import AddressStyle
from ip_monitor.adapters.discord.connection import Route
from ip_monitor.adapters.discord.rest_line import RestLine
from ip_monitor.adapters.discord.sink import ChannelPlace, DirectPlace, DiscordNotifier
from ip_monitor.adapters.discord.texts import Texts
from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
from ip_monitor.application.announcing import Announcer
from ip_monitor.application.delivery import Delivery
from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.domain.changes import Change
from ip_monitor.domain.events import NoticeFailed
from ip_monitor.domain.notices import Notice, notice_key
from ip_monitor.resilience.clock import SystemClock
from ip_monitor.testing.discord import DiscordDouble, Permission

MESSAGES = "POST /channels/*/messages"


class Ahead(SystemClock):
    """
    Can be set ahead.
    """

    ahead_s = 0.0

    def time(self):
        return super().time() + self.ahead_s

    def monotonic(self):
        return super().monotonic() + self.ahead_s


class Hasty(Ahead):
    """
    Its pauses end after a hundredth of a second.
    """

    async def sleep(self, delay):
        await asyncio.sleep(min(delay, 0.01))


@pytest.fixture
async def double(authority):
    async with DiscordDouble(authority=authority, clock=Ahead()) as running:
        yield running


@pytest.fixture
def clock():
    return Hasty()


@pytest.fixture
async def storage(tmp_path):
    opened = await SQLiteIPStorage.open(tmp_path / "ip.sqlite3")
    yield opened
    await opened.close()


@pytest.fixture
async def sink_to(double, clock, tmp_path):
    """
    Makes sinks that are closed in the end; the token is read from a file.
    """
    made = []
    (tmp_path / "token").write_text(double.token)

    def make(place=None, *, style=AddressStyle.PLAIN, language="en"):
        route = Route(token_file=tmp_path / "token", make_connector=double.connector)
        sink = DiscordNotifier(
            "discord",
            place or ChannelPlace(double.channel.id),
            line=RestLine(route),
            clock=clock,
            texts=lambda: Texts(language),
            style=lambda: style,
        )
        made.append(sink)
        return sink

    yield make
    for sink in made:
        await sink.aclose()


@pytest.fixture
def delivery_of(storage, clock):
    def make(sink, *, observers=(), **options):
        options = {"send_timeout_s": 0.4, "digest_from": 99, **options}
        return Delivery(storage, [sink], announcer=Announcer(observers, clock=clock), clock=clock, **options)

    return make


def change(number):
    address = ipaddress.ip_address(f"93.184.216.{number}")
    return Change(
        key=f"{number:016x}",
        address=address,
        previous=address - 1,
        at=datetime.now(UTC) + timedelta(milliseconds=number),
        previous_since=datetime(2026, 1, 2, tzinfo=UTC),
        operators=("Amazon", "ipify"),
    )


def notice(number, *, made_at):
    one = change(number)
    return Notice(
        key=notice_key(one.key, "discord"), sink="discord", change=one, attempts=0, created_at=made_at, due_at=made_at
    )


async def written(storage, *numbers):
    for number in numbers:
        await storage.save_current_ip(change(number), sinks=["discord"])


def told(double, channel=None):
    """
    The numbers of the changes told, in the order of the messages.
    """
    footers = [message.embed["footer"]["text"] for message in double.messages(channel)]
    return [int(footer.split()[-1], 16) for footer in footers]


class Failures:
    def __init__(self):
        self.came = asyncio.Event()

    def observe(self, event):
        if isinstance(event, NoticeFailed):
            self.came.set()


async def test_after_an_outage_no_flood_comes(double, storage, sink_to, delivery_of):
    """
    Twenty changes that waited are one message.
    """
    failures = Failures()
    double.go_down()
    await written(storage, *range(1, 21))
    sending = asyncio.create_task(delivery_of(sink_to(), observers=[failures], digest_from=4).drain())
    async with asyncio.timeout(20):
        await failures.came.wait()
        double.heal()
        await sending

    (digest,) = double.messages()
    assert digest.embed["title"] == "20 changes while Discord could not be reached"
    assert [n for n in range(1, 21) if f"→ `93.184.216.{n}`" not in digest.text] == []


async def test_a_message_that_a_killed_process_sent_is_not_sent_again(double, clock, sink_to):
    """
    The nonce is forgotten by then, so the recent messages are read.
    """
    made_at = datetime.fromtimestamp(clock.time(), UTC)
    await sink_to().send(notice(1, made_at=made_at))
    clock.ahead_s = double.world.clock.ahead_s = 3600.0
    again = sink_to()
    await again.send(notice(1, made_at=made_at))
    assert told(double) == [1]

    await again.send(notice(2, made_at=made_at))
    assert told(double) == [1, 2]


async def test_a_digest_that_was_sent_is_completed_and_not_repeated(double, clock, sink_to):
    """
    More changes came before the next try; only those are told then.
    """
    made_at = datetime.fromtimestamp(clock.time(), UTC)
    await sink_to().send_digest([notice(n, made_at=made_at) for n in (1, 2, 3, 4)])
    clock.ahead_s = double.world.clock.ahead_s = 3600.0
    await sink_to().send_digest([notice(n, made_at=made_at) for n in (1, 2, 3, 4, 5, 6)])

    first, second = double.messages()
    assert "93.184.216.4" in first.text
    assert "`93.184.216.4` →" in second.text
    assert "`93.184.216.6`" in second.text
    assert "`93.184.216.3`" not in second.text


async def test_a_member_cannot_make_the_bot_believe_that_a_change_was_told(double, clock, sink_to):
    """
    Only its own messages count.
    """
    double.text(double.member, double.channel, f"change: {change(1).key}")
    clock.ahead_s = double.world.clock.ahead_s = 3600.0
    await sink_to().send(notice(1, made_at=datetime.fromtimestamp(clock.time() - 7200, UTC)))

    assert double.messages()[-1].embed["title"] == "IPv4 address changed"


@pytest.mark.parametrize("what", ["channel deleted", "permission withdrawn", "no direct messages"])
async def test_what_cannot_succeed_is_given_up_with_what_to_do(double, clock, sink_to, what):
    """
    Told as permanent, with a remedy and without the token; no try is repeated for ever.
    """
    place = None
    match what:
        case "channel deleted":
            double.world.remove_channel(double.channel)
        case "permission withdrawn":
            bot = double.guild.roles[0]
            double.world.overwrite(double.channel, bot, allow=Permission.NONE, deny=Permission.SEND_MESSAGES)
        case _:
            place = DirectPlace(double.world.add_user("shy", accepts_direct=False).id)
    with pytest.raises(DeliveryFailedError) as caught:
        await sink_to(place).send(notice(1, made_at=datetime.fromtimestamp(clock.time(), UTC)))

    assert caught.value.is_permanent
    assert any(word in caught.value.reason for word in ("discord_channel", "Give it", "must share"))
    assert double.token not in str(caught.value)


async def test_what_was_given_up_is_told_once_it_is_mended_and_asked_for(double, storage, clock, sink_to, delivery_of):
    """
    `queue retry` after the permission came back; in order.
    """
    bot = double.guild.roles[0]
    double.world.overwrite(double.channel, bot, allow=Permission.NONE, deny=Permission.SEND_MESSAGES)
    await written(storage, 1, 2)
    delivery = delivery_of(sink_to())
    await delivery.drain()
    assert told(double) == []
    double.world.overwrite(double.channel, bot, allow=Permission.SEND_MESSAGES, deny=Permission.NONE)
    assert await storage.retry_failed(at=datetime.fromtimestamp(clock.time(), UTC)) == 2
    await delivery.drain()

    assert told(double) == [1, 2]


async def test_a_revoked_token_is_kept_trying_and_the_new_one_is_taken_from_the_file(
    double, storage, sink_to, delivery_of, tmp_path
):
    """
    Nothing is given up, and no restart is needed.
    """
    delivery = delivery_of(sink_to())
    await written(storage, 1)
    await delivery.drain()
    double.revoke_token()
    await written(storage, 2, 3)
    sending = asyncio.create_task(delivery.drain())
    await double.until(lambda: any(e.status == 401 for e in double.exchanges), "a refusal of the token")
    (tmp_path / "token").write_text(double.token)
    async with asyncio.timeout(20):
        await sending

    assert told(double) == [1, 2, 3]


async def test_people_are_told_in_direct_messages(double, clock, sink_to):
    """
    In their own channel, whole, in the language of the settings.
    """
    made_at = datetime.fromtimestamp(clock.time(), UTC)
    sink = sink_to(DirectPlace(double.member.id), language="de")
    await sink.send(notice(1, made_at=made_at))

    (message,) = double.messages(double.direct(double.member))
    assert message.embed["title"] == "IPv4-Adresse hat sich geändert"
    assert "`93.184.216.1`" in message.text
    assert "Warum?" in [control.label for control in message.controls]


@pytest.mark.parametrize(("style", "shown"), [("spoiler", "||`93.184.216.1`||"), ("masked", "`93.184.x.x`")])
async def test_an_address_is_hidden_in_announcements(double, clock, sink_to, style, shown):
    """
    In the whole message, the digest too.
    """
    made_at = datetime.fromtimestamp(clock.time(), UTC)
    sink = sink_to(style=AddressStyle(style))
    await sink.send(notice(1, made_at=made_at))
    await sink.send_digest([notice(n, made_at=made_at) for n in (2, 3, 4, 5)])

    one, digest = double.messages()
    assert shown in one.text
    assert "`93.184.216.1`" not in one.text.replace("||`93.184.216.1`||", "")
    assert "`93.184.216.5`" not in digest.text.replace("||`93.184.216.5`||", "")
