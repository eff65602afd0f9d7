"""
One connection to a broker, from greeting to goodbye.

It is our own and not a library's because it has to end within a second, whatever the broker does: the live clients for
asyncio connect in a thread that nothing can cancel, and one that timed out leaves its socket behind.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ip_monitor.adapters.mqtt import packets
from ip_monitor.adapters.mqtt.packets import Message, Packet, PacketKind, PacketRefusedError
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable

    from ip_monitor.settings.broker import Broker

PATIENCE_S = 10.0
"""
How long the broker may take to let itself be connected to, to greet and to acknowledge, seconds.
"""
KEEP_ALIVE_S = 30
# Long enough to tell a broker on this side of the world that we go, short enough for the end of a service.
_GOODBYE_S = 1.0
_REFUSED = 0x80
# Source: OASIS, MQTT 3.1.1, section 3.2.2.3.
_WHY_NOT = {
    1: "it does not speak MQTT 3.1.1",
    2: "it refuses this client's identifier",
    3: "it is not available now",
    4: "it does not take this user name and password",
    # Mosquitto says so of a wrong password too.
    5: "it does not let this user in",
}
_CREDENTIALS = frozenset({4, 5})


class ConnectionLostError(IPMonitorError, ConnectionError):
    """
    No connection to the broker, or none any more.
    """


class BrokerRefusesError(ConnectionLostError):
    """
    The broker does not want this client, or what it asks for.

    Attributes:
        is_credentials: other credentials could help.
    """

    def __init__(self, text: str, *, is_credentials: bool = False) -> None:
        self.is_credentials = is_credentials
        super().__init__(text)


class Connection:
    """
    Made by `connected`. Its owner keeps `run` running, which is what acknowledgements come by.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, patience_s: float) -> None:
        self._reader = reader
        self._writer = writer
        self._patience_s = patience_s
        self._number = 0
        self._awaited: dict[int, asyncio.Future[Packet]] = {}

    async def greet(self, packet: bytes) -> None:
        """
        Say who we are, and be let in.

        Raises:
            BrokerRefusesError: the broker says no.
            ConnectionLostError: it ends the connection.
            PacketRefusedError: it is no broker.
        """
        await self._send(packet)
        answer = await self._read(only=PacketKind.CONNACK)
        if len(answer.body) != 2:
            raise PacketRefusedError(f"a greeting of {len(answer.body)} bytes")
        if code := answer.body[1]:
            why = _WHY_NOT.get(code, f"it answers with code {code}")
            raise BrokerRefusesError(f"the broker refuses the connection: {why}", is_credentials=code in _CREDENTIALS)

    async def run(self, on_message: Callable[[Message], object], *, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        """
        Take what comes, and show that we are there, until the connection ends.

        Args:
            on_message: must return at once.
            keep_alive_s: as told when greeting, seconds.

        Raises:
            ConnectionLostError: that is how it ends, unless cancelled.
        """
        beat = asyncio.create_task(self._beat(keep_alive_s / 2), name="ip-monitor-mqtt-heartbeat")
        try:
            while True:
                async with asyncio.timeout(keep_alive_s * 1.5):
                    packet = await self._read()
                self._take(packet, on_message)
        except TimeoutError as error:
            raise ConnectionLostError(f"the broker has said nothing for {keep_alive_s * 1.5:g} s") from error
        except PacketRefusedError as error:
            raise ConnectionLostError(str(error)) from error
        finally:
            beat.cancel()
            await asyncio.wait([beat])
            if not beat.cancelled():
                beat.exception()  # what ended it ends the reading too
            for waiting in self._awaited.values():
                waiting.cancel()

    async def publish(self, message: Message) -> None:
        """
        Returns when the broker has acknowledged it.

        Raises:
            ConnectionLostError: it did not, in time.
        """
        await self._ask(lambda number: packets.publish(message, number=number))

    async def subscribe(self, topic: str) -> None:
        """
        Raises:
            BrokerRefusesError: this user may not read the topic.
            ConnectionLostError: no answer, in time.
        """
        answer = await self._ask(lambda number: packets.subscribe(topic, number=number))
        if answer.body[2:] == bytes((_REFUSED,)):
            raise BrokerRefusesError(f"the broker does not let this user read {topic}", is_credentials=True)

    async def say_goodbye(self, message: Message) -> None:
        """
        A last message, and the end that keeps the broker from publishing the will. Nothing is waited for but sending.
        """
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await self._send(packets.publish(message, number=self._next()) + packets.DISCONNECT)

    async def _ask(self, packet: Callable[[int], bytes]) -> Packet:
        number = self._next()
        answer: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        self._awaited[number] = answer
        try:
            async with asyncio.timeout(self._patience_s):
                await self._send(packet(number))
                return await answer
        except TimeoutError as error:
            text = f"the broker did not acknowledge within {self._patience_s:g} s"
            raise ConnectionLostError(text) from error
        except asyncio.CancelledError as error:
            if answer.cancelled() and not _is_cancelled():
                raise ConnectionLostError("the broker closed the connection") from error
            raise
        finally:
            del self._awaited[number]

    def _next(self) -> int:
        # Zero is no number; those in use are few, and far behind when it comes round.
        self._number = self._number % 0xFFFF + 1
        return self._number

    def _take(self, packet: Packet, on_message: Callable[[Message], object]) -> None:
        if packet.kind is PacketKind.PUBLISH:
            on_message(packets.message_of(packet))
        elif packet.kind in {PacketKind.PUBACK, PacketKind.SUBACK}:
            waiting = self._awaited.get(packets.number_of(packet))
            if waiting is not None and not waiting.done():
                waiting.set_result(packet)
        elif packet.kind is not PacketKind.PINGRESP:
            raise PacketRefusedError(f"a packet {packet.kind.name}")

    async def _beat(self, pause_s: float) -> None:
        while True:
            await asyncio.sleep(pause_s)
            await self._send(packets.PING)

    async def _send(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise ConnectionLostError(f"the connection to the broker is gone: {_why(error)}") from error

    async def _read(self, *, only: PacketKind | None = None) -> Packet:
        try:
            first = (await self._reader.readexactly(1))[0]
            kind = packets.kind_of(first)
            if only not in {None, kind}:
                raise PacketRefusedError(f"a packet {kind.name} in the place of the greeting")
            length = None
            size = b""
            while length is None:
                size += await self._reader.readexactly(1)
                length = packets.length_of(size)
            return Packet(kind=kind, flags=first & 0x0F, body=await self._reader.readexactly(length))
        except asyncio.IncompleteReadError as error:
            raise ConnectionLostError("the broker closed the connection") from error
        except OSError as error:
            raise ConnectionLostError(f"the connection to the broker is gone: {_why(error)}") from error


@contextlib.asynccontextmanager
async def connected(
    broker: Broker,
    *,
    client: str,
    will: Message,
    tls: ssl.SSLContext | None = None,
    patience_s: float = PATIENCE_S,
    keep_alive_s: int = KEEP_ALIVE_S,
) -> AsyncGenerator[Connection]:
    """
    A connection that the broker has let in, for the length of the block. What ends it without `say_goodbye` makes the
    broker publish the will.

    Args:
        broker: where, and who we are.
        client: of two with the same identifier a broker ends the older.
        will: what others are told when we are gone.
        tls: verifies the broker; None for a connection without TLS.
        patience_s: for connecting and for each answer, seconds.
        keep_alive_s: a broker that hears nothing for one and a half times that publishes the will.

    Raises:
        BrokerRefusesError: the broker says no.
        ConnectionLostError: it cannot be reached, is not who it should be, or is no broker.
    """
    writer = None
    try:
        try:
            async with asyncio.timeout(patience_s):
                reader, writer = await asyncio.open_connection(broker.host, broker.port, ssl=tls)
                connection = Connection(reader, writer, patience_s=patience_s)
                await connection.greet(
                    packets.connect(
                        client=client, user=broker.user, password=broker.password, will=will, keep_alive_s=keep_alive_s
                    )
                )
        except TimeoutError as error:
            raise ConnectionLostError(f"{broker} does not answer within {patience_s:g} s") from error
        except PacketRefusedError as error:
            raise ConnectionLostError(str(error)) from error
        except ConnectionLostError:
            raise
        except OSError as error:
            raise ConnectionLostError(f"{broker} cannot be reached: {_why(error)}") from error
        yield connection
    finally:
        if writer is not None:
            await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_GOODBYE_S):
            await writer.wait_closed()
    writer.transport.abort()  # a broker that does not take the end of a TLS connection holds nothing here


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _why(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
