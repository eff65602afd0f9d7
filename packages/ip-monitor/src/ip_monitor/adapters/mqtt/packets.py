"""
MQTT 3.1.1 as bytes: the packets that a client needs which publishes with acknowledgement and subscribes without.

Source: OASIS, MQTT Version 3.1.1; sections are named where they decide something.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from ip_monitor.errors import IPMonitorError

LONGEST_TEXT_BYTES = 65_535
LARGEST_PACKET_BYTES = 65_536
"""
What is taken from a broker. Nothing that it has to say to us is longer than a few bytes; the protocol allows 256 MiB.
"""
_MOST_LENGTH_BYTES = 4


class PacketKind(IntEnum):
    """
    The upper four bits of a packet's first byte. Source: section 2.2.1.
    """

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class PacketRefusedError(IPMonitorError, ValueError):
    """
    Bytes that are no packet a broker may send to this client.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"what came is no answer of an MQTT 3.1.1 broker: {why}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """
    Attributes:
        is_retained: the broker kept it from before; it is no news.
    """

    topic: str
    payload: bytes
    is_retained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """
    One packet as it came. `flags` are the lower four bits of its first byte.
    """

    kind: PacketKind
    flags: int
    body: bytes


PING = bytes((PacketKind.PINGREQ << 4, 0))
DISCONNECT = bytes((PacketKind.DISCONNECT << 4, 0))


def connect(
    *, client: str, user: str | None, password: str | None, will: Message | None = None, keep_alive_s: int = 30
) -> bytes:
    """
    The first packet of a client, for a session that the broker forgets at its end. Source: section 3.1.

    Args:
        client: the client's identifier; of two with the same a broker ends the older.
        user: None for nobody in particular.
        password: only together with `user`.
        will: what the broker publishes when the connection ends without a goodbye.
        keep_alive_s: after one and a half times that without a packet the broker ends the connection, 1 to 65535.
    """
    flags = 0x02
    parts = [_text(client)]
    if will is not None:
        flags |= 0x04 | 0x08 | (0x20 if will.is_retained else 0)
        parts += [_text(will.topic), _bytes(will.payload)]
    if user is not None:
        flags |= 0x80
        parts.append(_text(user))
        if password is not None:
            flags |= 0x40
            parts.append(_text(password))
    head = _text("MQTT") + struct.pack("!BBH", 4, flags, keep_alive_s)
    return _packet(PacketKind.CONNECT, 0, head + b"".join(parts))


def publish(message: Message, *, number: int) -> bytes:
    """
    A message that the broker acknowledges by its number, 1 to 65535. Source: section 3.3, QoS 1.
    """
    flags = 0x02 | (0x01 if message.is_retained else 0)
    return _packet(PacketKind.PUBLISH, flags, _text(message.topic) + struct.pack("!H", number) + message.payload)


def subscribe(topic: str, *, number: int) -> bytes:
    """
    Ask for the messages of a topic, at most once each. Source: section 3.8.
    """
    return _packet(PacketKind.SUBSCRIBE, 0x02, struct.pack("!H", number) + _text(topic) + b"\x00")


def length_of(data: bytes) -> int | None:
    """
    The remaining length in these one to four bytes; None while more of them follow. Source: section 2.2.3.

    Raises:
        PacketRefusedError: a fifth byte would follow, or the packet is longer than is taken.
    """
    length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data))
    if data[-1] & 0x80:
        if len(data) == _MOST_LENGTH_BYTES:
            raise PacketRefusedError("its length has more than four bytes")
        return None
    if length > LARGEST_PACKET_BYTES:
        raise PacketRefusedError(f"a packet of {length} bytes, where at most {LARGEST_PACKET_BYTES} are taken")
    return length


def kind_of(first: int) -> PacketKind:
    """
    Raises:
        PacketRefusedError: of no kind that a broker sends to this client.
    """
    try:
        return PacketKind(first >> 4)
    except ValueError as error:
        raise PacketRefusedError(f"a packet of the kind {first >> 4}") from error


def number_of(packet: Packet) -> int:
    """
    What an acknowledgement is about.

    Raises:
        PacketRefusedError: it is too short to say.
    """
    if len(packet.body) < 2:
        raise PacketRefusedError(f"a packet {packet.kind.name} of {len(packet.body)} bytes")
    number: int = struct.unpack_from("!H", packet.body)[0]
    return number


def message_of(packet: Packet) -> Message:
    """
    The message in a packet PUBLISH, whatever its quality of service.

    Raises:
        PacketRefusedError: it cannot be read.
    """
    size = number_of(packet)
    rest = packet.body[2:]
    quality = packet.flags >> 1 & 0x03
    begin = size + (2 if quality else 0)
    if len(rest) < begin or quality == 3:
        raise PacketRefusedError(f"a message of {len(packet.body)} bytes whose topic would have {size}")
    try:
        topic = rest[:size].decode()
    except UnicodeDecodeError as error:
        raise PacketRefusedError("a topic that is not UTF-8") from error
    return Message(topic=topic, payload=rest[begin:], is_retained=bool(packet.flags & 0x01))


def _packet(kind: PacketKind, flags: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while True:
        rest, digit = rest >> 7, rest & 0x7F
        length.append(digit | (0x80 if rest else 0))
        if not rest:
            return bytes((kind << 4 | flags,)) + bytes(length) + body


def _text(text: str) -> bytes:
    return _bytes(text.encode())


def _bytes(data: bytes) -> bytes:
    if len(data) > LONGEST_TEXT_BYTES:
        raise PacketRefusedError(f"a text of {len(data)} bytes, where MQTT has room for {LONGEST_TEXT_BYTES}")
    return struct.pack("!H", len(data)) + data
