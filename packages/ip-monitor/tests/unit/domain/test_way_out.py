"""
The way out that a person names.
"""

from __future__ import annotations

import ipaddress

import pytest
from ip_monitor.domain.way_out import WayOut, WayOutRefusedError


def test_an_interface_an_address_and_nothing_are_told_apart():
    """
    By their form alone.
    """
    assert WayOut.parse(" ") is None
    assert WayOut.parse(" eth0.7@br-lan ") == WayOut(interface="eth0.7@br-lan")
    assert WayOut.parse("x" * 15) == WayOut(interface="x" * 15)
    assert WayOut.parse("2001:db8::7") == WayOut(address=ipaddress.ip_address("2001:db8::7"))
    assert [str(WayOut.parse(one)) for one in ("wg0", "192.0.2.7")] == ["wg0", "192.0.2.7"]


@pytest.mark.parametrize("given", ["x" * 16, "a/b", "eth 0", "eth0\n;", "é"])
def test_what_is_neither_is_refused(given):
    """
    With what was given, and what to give.
    """
    with pytest.raises(WayOutRefusedError, match="name an interface, such as eth0"):
        WayOut.parse(given)
