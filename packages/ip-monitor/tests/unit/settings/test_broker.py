"""
Where an MQTT broker is.
"""

from __future__ import annotations

import pytest
from ip_monitor.settings.broker import Broker, BrokerRefusedError, is_identity, is_prefix


@pytest.mark.parametrize(
    ("url", "shown", "is_tls", "is_here"),
    [
        ("mqtt://localhost", "localhost:1883", False, True),
        ("mqtts://broker.example.net", "broker.example.net:8883", True, False),
        ("mqtt://[::1]:1/", "[::1]:1", False, True),
        ("mqtt://192.168.1.5:2883", "192.168.1.5:2883", False, False),
    ],
)
def test_a_broker_has_a_host_a_port_and_perhaps_tls(url, shown, is_tls, is_here):
    """
    The usual ports where none is given.
    """
    found = Broker.parse(url)

    assert (str(found), found.is_tls, found.is_here) == (shown, is_tls, is_here)


def test_percent_signs_escape_and_the_password_is_never_shown():
    """
    It may hold what a URL takes for something else.
    """
    found = Broker.parse("mqtts://home:p%40ss%3Aword@broker")

    assert (found.user, found.password) == ("home", "p@ss:word")
    assert "p@ss" not in repr(found) + str(found)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "broker",
        "http://broker",
        "mqtt://",
        "mqtt://b:0",
        "mqtt://b:x",
        "mqtt://b/path",
        "mqtt://b?q",
        "mqtt://:pw@b",
    ],
)
def test_everything_else_is_refused_without_showing_it(url):
    """
    It may hold a password.
    """
    with pytest.raises(BrokerRefusedError) as refused:
        Broker.parse(url)

    assert str(refused.value) == "must be like mqtts://user:password@host or mqtt://host:1883; percent signs escape."


def test_names_that_would_break_topics_are_refused():
    """
    No wildcard, no level of its own, nothing empty.
    """
    assert is_identity("attic_2-b")
    assert not any(is_identity(text) for text in ("", "a/b", "a+", "ä", "x" * 61))
    assert is_prefix("homeassistant")
    assert is_prefix("home/assistant")
    assert not any(is_prefix(text) for text in ("", "/a", "a//b", "a/#", "+", "$SYS", "a\n"))
