"""
MQTT as bytes: what a broker may say, and what it may not.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ip_monitor.adapters.mqtt import packets
from ip_monitor.adapters.mqtt.packets import Message, Packet, PacketKind, PacketRefusedError


def taken_apart(data):
    """
    The one packet in these bytes, read as a connection reads it.
    """
    kind, place, length = packets.kind_of(data[0]), 1, None
    while length is None:
        place += 1
        length = packets.length_of(data[1:place])
    assert len(data) == place + length
    return Packet(kind=kind, flags=data[0] & 0x0F, body=data[place:])


@given(st.text(max_size=300), st.binary(max_size=20_000), st.booleans(), st.integers(1, 0xFFFF))
def test_a_message_comes_out_as_it_went_in(topic, payload, is_retained, number):
    """
    Of every length that a length field has a form for.
    """
    message = Message(topic=topic, payload=payload, is_retained=is_retained)
    packet = taken_apart(packets.publish(message, number=number))

    assert (packet.kind, packets.message_of(packet)) == (PacketKind.PUBLISH, message)


@given(st.integers(0, 255), st.binary(min_size=1, max_size=5), st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(first, size, body):
    """
    Whatever a broker sends: a packet, or a refusal with words.
    """
    try:
        kind = packets.kind_of(first)
        for count in range(1, len(size) + 1):
            if packets.length_of(size[:count]) is not None:
                break
        packets.message_of(Packet(kind=kind, flags=first & 0x0F, body=body))
    except PacketRefusedError:
        pass


def test_the_greeting_is_as_the_protocol_has_it():
    """
    Section 3.1: clean session, a retained will that is acknowledged, user and password, in this order.
    """
    will = Message(topic="t", payload=b"off", is_retained=True)
    greeting = packets.connect(client="c", user="u", password="p", will=will, keep_alive_s=30)

    assert greeting == b"\x10\x1b\x00\x04MQTT\x04\xee\x00\x1e\x00\x01c\x00\x01t\x00\x03off\x00\x01u\x00\x01p"


def test_a_text_that_is_too_long_for_the_protocol_is_refused():
    """
    Section 1.5.3.
    """
    with pytest.raises(PacketRefusedError, match="65536 bytes"):
        packets.subscribe("x" * 65_536, number=1)
