"""
Brokers that are none, or do what no broker does: over real sockets, without a broker's program.
"""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from ip_monitor.adapters.mqtt.connection import BrokerRefusesError, ConnectionLostError, connected
from ip_monitor.adapters.mqtt.packets import Message
from ip_monitor.settings.broker import Broker

WILL = Message(topic="test/will", payload=b"gone")
NEWS = Message(topic="test/news", payload=b"here")
WELCOME = b"\x20\x02\x00\x00"
FIRST_ACKNOWLEDGED, SECOND_ACKNOWLEDGED = b"\x40\x02\x00\x01", b"\x40\x02\x00\x02"


class Impostor:
    """
    Answers each packet of a client with the next of `answers`; None ends the connection, and after the last it is silent.
    """

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.got: list[bytes] = []
        self.port = 0
        self._talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks[asyncio.current_task()] = writer
        try:
            with contextlib.suppress(OSError):
                while packet := await reader.read(4096):
                    self.got.append(packet)
                    answer = self.answers.pop(0) if self.answers else b""
                    if answer is None:
                        break
                    writer.write(answer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def end(self) -> None:
        for writer in self._talks.values():
            writer.transport.abort()
        if self._talks:
            await asyncio.wait(self._talks)


@pytest.fixture
async def impostor():
    one = Impostor()
    server = await asyncio.start_server(one.talk, "127.0.0.1", 0)
    async with server:
        one.port = server.sockets[0].getsockname()[1]
        yield one
        await one.end()


@pytest.fixture
def meet(impostor):
    """
    A connection to the impostor, the task that takes what comes, and what it took, for the length of a block.
    """

    @contextlib.asynccontextmanager
    async def meeting(*answers, patience_s=5.0, keep_alive_s=30):
        impostor.answers[:] = answers
        broker = Broker.parse(f"mqtt://127.0.0.1:{impostor.port}")
        async with connected(broker, client="test", will=WILL, patience_s=patience_s) as connection:
            taken = []
            running = asyncio.create_task(connection.run(taken.append, keep_alive_s=keep_alive_s))
            try:
                yield connection, running, taken
            finally:
                running.cancel()
                await asyncio.wait([running])
                if not running.cancelled():
                    running.exception()

    return meeting


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (b"\x20\x03\x00\x00\x00", ConnectionLostError, "a greeting of 3 bytes"),
        (FIRST_ACKNOWLEDGED, ConnectionLostError, "a packet PUBACK in the place of the greeting"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ConnectionLostError, "packet"),
        (b"\x20\xff\xff\xff\xff\xff", ConnectionLostError, "length"),
        (b"\x20\x02", ConnectionLostError, "does not answer within 0.3 s"),
        (b"", ConnectionLostError, "does not answer within 0.3 s"),
        (None, ConnectionLostError, "the broker closed the connection"),
        (b"\x20\x02\x00\x01", BrokerRefusesError, "it does not speak MQTT 3.1.1"),
        (b"\x20\x02\x00\x05", BrokerRefusesError, "it does not let this user in"),
        (b"\x20\x02\x00\x63", BrokerRefusesError, "it answers with code 99"),
    ],
    ids=["long", "other packet", "HTTP", "endless length", "half", "silence", "end", "version", "user", "new code"],
)
async def test_what_greets_like_no_broker_is_told_and_left(meet, answer, kind, told):
    """
    In time, with what it did.
    """
    with pytest.raises(kind) as refused:
        async with meet(answer, patience_s=0.3):
            raise AssertionError("it was let in")

    assert told in str(refused.value)


async def test_an_acknowledgement_of_something_else_is_passed_over(meet):
    """
    One that nobody waits for, and one that comes twice.
    """
    async with meet(WELCOME, b"\x40\x02\x00\x63" + FIRST_ACKNOWLEDGED * 2, SECOND_ACKNOWLEDGED) as (
        connection,
        running,
        _,
    ):
        await connection.publish(NEWS)
        await connection.publish(NEWS)

        assert not running.done()


async def test_a_message_that_is_not_acknowledged_is_given_up_in_time(meet):
    """
    The connection itself goes on.
    """
    async with meet(WELCOME, b"", SECOND_ACKNOWLEDGED, patience_s=0.3) as (connection, running, _):
        with pytest.raises(ConnectionLostError, match=r"did not acknowledge within 0\.3 s"):
            await connection.publish(NEWS)
        await connection.publish(NEWS)

        assert not running.done()


async def test_who_waits_when_the_connection_ends_is_told_so(meet):
    """
    Not cancelled: whoever publishes goes on to the next try.
    """
    async with meet(WELCOME, None) as (connection, running, _):
        with pytest.raises(ConnectionLostError, match="the broker closed the connection"):
            await connection.publish(NEWS)
        await asyncio.wait([running])

        assert "the broker closed the connection" in str(running.exception())


async def test_who_waits_and_is_cancelled_stays_cancelled(meet):
    """
    It is told apart from the end of the connection.
    """
    async with meet(WELCOME) as (connection, _, _):
        publishing = asyncio.create_task(connection.publish(NEWS))
        await asyncio.sleep(0)
        publishing.cancel()
        await asyncio.wait([publishing])

        assert publishing.cancelled()


async def test_a_topic_that_may_not_be_read_is_named(meet):
    """
    Other credentials could help.
    """
    async with meet(WELCOME, b"\x90\x03\x00\x01\x80") as (connection, _, _):
        with pytest.raises(BrokerRefusesError, match="does not let this user read home/status") as refused:
            await connection.subscribe("home/status")

    assert refused.value.is_credentials


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        (WELCOME, "a packet CONNACK"),
        (b"\x40\x01\x00", "packet"),
        (b"\x30\x03\x00\x09a", "whose topic would have 9"),
        (b"\x00\x00", "packet"),
    ],
    ids=["a second greeting", "half a number", "a topic that is longer than its packet", "no kind"],
)
async def test_a_packet_that_no_broker_sends_ends_the_connection(meet, packet, told):
    """
    With what was wrong with it.
    """
    async with meet(WELCOME + packet) as (_, running, taken):
        await asyncio.wait([running], timeout=20)

        assert isinstance(running.exception(), ConnectionLostError)
        assert told in str(running.exception())
        assert taken == []


async def test_a_broker_that_says_nothing_any_more_is_left(meet, impostor):
    """
    It was shown that we are there, and did not answer.
    """
    async with meet(WELCOME, keep_alive_s=0.3) as (_, running, _):
        await asyncio.wait([running], timeout=20)

        assert "has said nothing for 0.45 s" in str(running.exception())
    assert b"".join(impostor.got).endswith(b"\xc0\x00")
