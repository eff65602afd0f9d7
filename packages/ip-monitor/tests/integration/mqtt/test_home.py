"""
Home Assistant's view of a running monitor, through a real broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from dataclasses import replace
from datetime import datetime

import pytest
from ip_monitor.adapters.mqtt.connection import BrokerRefusesError, ConnectionLostError, connected
from ip_monitor.adapters.mqtt.discovery import OFFLINE
from ip_monitor.adapters.mqtt.link import HomeLink
from ip_monitor.adapters.mqtt.packets import Message
from ip_monitor.bootstrap import assemble
from ip_monitor.bootstrap.mqtt import tls_of
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.events import Trouble, TroubleOver
from ip_monitor.settings import Secret, Settings
from ip_monitor.settings.broker import Broker
from ip_monitor.testing import PLAY_RANGES, MockAPICluster

pytestmark = pytest.mark.needs_program("mosquitto")
OPERATORS = {"alder": "ipify", "birch": "ipify", "cedar": "aws"}
WILL = Message(topic="test/will", payload=b"gone")
STATE, AVAILABILITY = "ip-monitor/attic/state", "ip-monitor/attic/availability"


class Watcher:
    """
    Notes the troubles with the broker.
    """

    def __init__(self):
        self.told = []
        self.news = asyncio.Event()

    def observe(self, event):
        if isinstance(event, Trouble | TroubleOver) and event.topic == "mqtt":
            self.told.append(event)
            self.news.set()

    async def until(self, kind):
        async with asyncio.timeout(20):
            while not (self.told and isinstance(self.told[-1], kind)):
                self.news.clear()
                await self.news.wait()
        return self.told[-1]


@pytest.fixture
async def services():
    async with MockAPICluster(OPERATORS, seed=7) as cluster:
        yield cluster


@pytest.fixture
def monitor(tmp_path, services):
    """
    Run a monitor whose broker is at a URL; gives the application and what it told of the broker.
    """

    @contextlib.asynccontextmanager
    async def start(url, **settings):
        plain = Settings(
            database=tmp_path / "ip.sqlite3", families="ipv4", confirm_pause_s=0, interval_s=3600, canary_s=0,
            public_ranges=PLAY_RANGES, mqtt_url=Secret(url), mqtt_id="attic",
        )  # fmt: skip
        watcher = Watcher()
        made = assemble(replace(plain, **settings), specs=services.specs(), observers=[watcher])
        async with made as application:
            running = asyncio.create_task(application.run())
            try:
                yield application, watcher
            finally:
                running.cancel()
                await asyncio.wait([running])

    return start


def is_settled(messages):
    """
    The monitor is available, and its first check has ended: one that is asked for is another.
    """
    is_here = AVAILABILITY in messages and messages[AVAILABILITY].payload == b"online"
    return is_here and state(messages).get("checked_at") is not None


def state(messages):
    return json.loads(messages[STATE].payload) if STATE in messages else {}


async def test_the_entities_appear_by_themselves_and_follow_the_line(broker, monitor, services):
    """
    Described, available, and with the address that is true; a change and the button in the hands of Home Assistant work,
    and what was kept of older days is taken away.
    """
    async with broker.listening() as heard, monitor(broker.url) as (application, _):
        address = str(services.line.address(Family.V4))
        await heard.until(is_settled)
        first = state(heard.messages)["ipv4"]["address"]
        described = {
            topic: json.loads(message.payload)
            for topic, message in heard.messages.items()
            if topic.startswith("homeassistant/") and message.payload
        }
        kept = [message for message in heard.all if message.topic.startswith("homeassistant/sensor/attic/ipv6")]
        changed = str(services.line.change())
        application.checks.clear()  # the check of a moment ago would answer for the button
        await heard.connection.publish(Message(topic="ip-monitor/attic/check", payload=b"PRESS"))
        await heard.until(lambda all_: state(all_).get("ipv4", {}).get("address") == changed)
        found = state(heard.messages)
        audit = await application.admin.audit.entries(limit=5)

    assert first == address
    assert set(described) == {
        "homeassistant/sensor/attic/ipv4/config",
        "homeassistant/sensor/attic/ipv4_since/config",
        "homeassistant/sensor/attic/verdict/config",
        "homeassistant/sensor/attic/checked_at/config",
        "homeassistant/binary_sensor/attic/trouble/config",
        "homeassistant/button/attic/check/config",
    }
    assert {one["availability_topic"] for one in described.values()} == {AVAILABILITY}
    assert len({one["unique_id"] for one in described.values()}) == len(described)
    assert described["homeassistant/button/attic/check/config"]["command_topic"] == "ip-monitor/attic/check"
    assert [message.payload for message in kept] == [b"", b""]
    assert found["verdict"] in described["homeassistant/sensor/attic/verdict/config"]["options"]
    assert datetime.fromisoformat(found["ipv4"]["since"]).tzinfo is not None
    assert (found["trouble"], found["troubles"]) == ("OFF", [])
    assert [(entry.action, entry.via) for entry in audit] == [("check_now", "mqtt")]


async def test_what_comes_later_finds_everything_and_the_end_is_told(broker, monitor):
    """
    Descriptions, state and availability are kept by the broker; after the monitor's end it is offline. A press that was kept
    does not check at the next start, nor does taking it away.
    """
    async with monitor(broker.url), broker.listening() as heard:
        await heard.until(is_settled)
        pressed = Message(topic="ip-monitor/attic/check", payload=b"PRESS", is_retained=True)
    async with broker.listening() as heard:
        # Two connections are served in any order: the goodbye may be heard after what was kept before it.
        await heard.until(lambda all_: STATE in all_ and AVAILABILITY in all_ and all_[AVAILABILITY].payload == OFFLINE)
        await heard.connection.publish(pressed)

        assert heard.messages[STATE].is_retained
    async with monitor(broker.url) as (application, _), broker.listening(client="again") as heard:
        await heard.until(is_settled)
        await heard.connection.publish(replace(pressed, payload=b""))
        await heard.until(lambda all_: all_[pressed.topic].payload == b"")
        audit = await application.admin.audit.entries(limit=9)

    assert [entry for entry in audit if entry.via == "mqtt"] == []


async def test_a_check_that_ends_while_the_state_is_put_together_is_not_told_with_what_was_known_before_it(
    broker, monitor, services
):
    """
    Its address comes with it: Home Assistant would take the time of the new check for that of the old address.
    """

    class Slow:
        def __init__(self, watch, application):
            self.watch, self.application = watch, application

        async def status(self):
            known = await self.watch.status()
            if self.application is not None:
                application, self.application = self.application, None
                application.checks.clear()
                await application.check()
            return known

    async with broker.listening() as heard, monitor(broker.url) as (application, _):
        await heard.until(is_settled)
        link = next(one for one in application.announcer._observers if isinstance(one, HomeLink))
        changed = str(services.line.change())
        link._watch = Slow(link._watch, application)
        link._news.set()
        await heard.until(lambda all_: state(all_)["ipv4"]["address"] == changed)
        told = [json.loads(message.payload) for message in heard.all if message.topic == STATE]

    known = [(one["checked_at"], one["ipv4"]["address"]) for one in told if one["checked_at"] is not None]
    assert len(dict(known)) == len(set(known)), known


async def test_who_is_gone_without_a_goodbye_is_told_by_the_broker(broker):
    """
    The last will, as when the process is killed.
    """
    async with broker.listening("test/will") as heard:
        async with connected(Broker.parse(broker.url), client="dying", will=WILL):
            pass
        await heard.until(lambda all_: "test/will" in all_)

    assert heard.messages["test/will"].payload == b"gone"


async def test_a_broker_that_goes_and_comes_back_delays_no_check(broker, monitor, services):
    """
    It is told as a trouble with a remedy; checks end as ever; when it is back, it is told what is true then.
    """
    async with monitor(broker.url) as (application, watcher):
        async with broker.listening() as heard:
            await heard.until(is_settled)
            await asyncio.to_thread(broker.stop)
        try:
            trouble = await watcher.until(Trouble)
            changed = str(services.line.change())
            check = await application.check()
        finally:
            await asyncio.to_thread(broker.start)
        await watcher.until(TroubleOver)
        async with broker.listening(client="later") as heard:
            await heard.until(lambda all_: state(all_).get("ipv4", {}).get("address") == changed)

    assert "Home Assistant is not told: " in trouble.what
    assert trouble.remedy
    assert str(check.ballots[0].verdict.address) == changed


async def test_tls_trusts_the_named_authority_and_no_other(broker, monitor, tmp_path):
    """
    With `mqtt_ca` it connects; without, the broker's certificate is refused and nothing is told to it.
    """
    async with monitor(broker.tls_url, mqtt_ca=broker.certificates), broker.listening() as heard:
        await heard.until(is_settled)
    async with monitor(broker.tls_url) as (_, watcher):
        refused = await watcher.until(Trouble)
    (tmp_path / "empty.pem").write_text("nothing")
    async with monitor(broker.tls_url, mqtt_ca=tmp_path / "empty.pem") as (_, watcher):
        unusable = await watcher.until(Trouble)

    assert "certificate verify failed" in refused.what
    assert "holds no certificates to use" in unusable.what


async def test_wrong_credentials_are_named_and_not_hammered(broker, monitor):
    """
    The text holds no password; the next try is minutes away.
    """
    async with monitor(broker.url.replace("p%40ss", "wrong")) as (_, watcher):
        trouble = await watcher.until(Trouble)

    assert "it does not let this user in; the next try is in 300 s" in trouble.what
    assert "wrong:word" not in trouble.what + trouble.remedy


async def answers(data):
    """
    A server that says this to everybody, and then nothing.
    """
    open_ = []

    async def serve(_reader, writer):
        open_.append(writer)
        writer.write(data)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, open_


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "does not answer within 0.2 s"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is no answer of an MQTT 3.1.1 broker"),
        (b"\x20\xff\xff\xff\xff\x01", "its length has more than four bytes"),
        (b"\x20\xff\xff\xff\x7f", "a packet of 268435455 bytes"),
        (b"\x20\x02\x00\x03", "it is not available now"),
        (b"\xf0\x00", "a packet of the kind 15"),
    ],
)
async def test_what_is_no_broker_is_told_in_words(data, said):
    """
    Silence, another protocol, a packet of 256 MiB: each ends the try at once, with what was wrong.
    """
    server, open_ = await answers(data)
    patience_s = 10.0 if data else 0.2
    try:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectionLostError, match=said):
            made = connected(Broker.parse(f"mqtt://127.0.0.1:{port}"), client="c", will=WILL, patience_s=patience_s)
            async with made:
                pass
    finally:
        for writer in open_:
            writer.transport.abort()
        server.close()
        await server.wait_closed()


async def test_a_broker_that_falls_silent_is_left():
    """
    It greeted, and then neither acknowledges nor answers a ping.
    """
    server, open_ = await answers(b"\x20\x02\x00\x00")
    broker = Broker.parse(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        async with connected(broker, client="c", will=WILL, patience_s=1.0) as connection:
            with pytest.raises(ConnectionLostError, match=r"said nothing for 0\.15 s"):
                await connection.run(logging.debug, keep_alive_s=0.1)
            with pytest.raises(ConnectionLostError, match="did not acknowledge within 1 s"):
                await connection.publish(WILL)
    finally:
        for writer in open_:
            writer.transport.abort()
        server.close()
        await server.wait_closed()


async def test_a_broker_that_hangs_delays_neither_a_check_nor_the_end(monitor):
    """
    It lets itself be connected to and says nothing for as long as the monitor would wait for it, ten seconds.
    """
    server, open_ = await answers(b"")
    try:
        async with asyncio.timeout(8):
            async with monitor(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}") as (application, watcher):
                check = await application.check()
    finally:
        for writer in open_:
            writer.transport.abort()
        server.close()
        await server.wait_closed()

    assert check.ballots[0].verdict.address is not None
    assert watcher.told == []


async def test_a_port_where_nobody_listens_and_a_topic_that_is_not_allowed(broker):
    """
    Refused at once, in words.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = Broker.parse(f"mqtt://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(ConnectionLostError, match="cannot be reached"):
            async with connected(nobody, client="c", will=WILL):
                pass
    with pytest.raises(BrokerRefusesError) as refused:
        async with connected(Broker.parse(f"mqtt://127.0.0.1:{broker.port}"), client="c", will=WILL):
            pass
    assert refused.value.is_credentials


async def test_the_systems_certificates_are_used_unless_others_are_named(tmp_path):
    """
    And none without TLS.
    """
    plain = Settings(database=tmp_path / "ip.sqlite3", mqtt_url=Secret("mqtt://127.0.0.1"))

    assert tls_of(plain) is None
    assert tls_of(replace(plain, mqtt_url=Secret("mqtts://127.0.0.1"))).check_hostname
