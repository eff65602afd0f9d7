"""
Where a server listens, as people write it.
"""

from __future__ import annotations

import pytest
from ip_monitor.settings.place import Place, PlaceRefusedError, is_origin


@pytest.mark.parametrize(
    ("text", "place", "is_loopback"),
    [
        ("127.0.0.1:8787", Place("127.0.0.1", 8787), True),
        ("localhost:0", Place("127.0.0.1", 0), True),
        ("[::1]:8787", Place("::1", 8787), True),
        ("0.0.0.0:80", Place("0.0.0.0", 80), False),
        (" 192.0.2.1:65535 ", Place("192.0.2.1", 65535), False),
    ],
)
def test_a_place_is_read_as_it_is_written(text, place, is_loopback):
    """
    And it says whether only this machine reaches it.
    """
    assert Place.parse(text) == place
    assert Place.parse(text).is_loopback is is_loopback
    assert Place.parse(str(place)) == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8787",
        ":8787",
        "127.0.0.1",
        "127.0.0.1:",
        "::1:8787",
        "[127.0.0.1]:1",
        "a:1",
        "127.0.0.1:70000",
        "127.0.0.1:٣",
    ],
)
def test_a_place_that_cannot_be_is_refused(text):
    """
    With how to write it.
    """
    with pytest.raises(PlaceRefusedError, match=r"write it like 127\.0\.0\.1:8787"):
        Place.parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ip.example.net", True),
        ("http://127.0.0.1:8787", True),
        ("https://[2001:db8::1]:8443", True),
        ("https://ip.example.net/", False),
        ("https://IP.example.net", False),
        ("https://user@ip.example.net", False),
        ("ftp://ip.example.net", False),
        ("ip.example.net", False),
        ("https://ip.example.net:x", False),
    ],
)
def test_an_origin_is_what_browsers_send(text, expected):
    """
    Nothing that could never match passes.
    """
    assert is_origin(text) is expected
