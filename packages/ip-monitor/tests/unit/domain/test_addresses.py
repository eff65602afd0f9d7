"""
Our own table of global addresses.
"""

from __future__ import annotations

import ipaddress

import pytest
from ip_monitor.domain.addresses import (
    AddressPolicy,
    AddressRefusedError,
    Family,
    family_of,
    is_same_line,
    parse,
    special_range_of,
)

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2000::",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700::1111",
    "2a00:1450:4001:82a::200e",
    "3fff:1000::1",
]
NOT_PUBLIC = [
    ("0.0.0.0", "RFC 791"),
    ("10.1.2.3", "RFC 1918"),
    ("100.64.0.1", "RFC 6598"),
    ("127.0.0.1", "RFC 1122"),
    ("169.254.1.1", "RFC 3927"),
    ("172.16.0.1", "RFC 1918"),
    ("172.31.255.255", "RFC 1918"),
    ("192.0.0.8", "RFC 6890"),
    ("192.0.2.1", "RFC 5737"),
    ("192.168.1.50", "RFC 1918"),
    ("192.88.99.1", "RFC 7526"),
    ("198.18.0.1", "RFC 2544"),
    ("198.51.100.7", "RFC 5737"),
    ("203.0.113.9", "RFC 5737"),
    ("224.0.0.1", "RFC 5771"),
    ("240.0.0.1", "RFC 1112"),
    ("255.255.255.255", "RFC 919"),
    ("::", "RFC 4291"),
    ("::1", "RFC 4291"),
    ("::ffff:8.8.8.8", "RFC 4291"),
    ("64:ff9b::808:808", "RFC 6052"),
    ("64:ff9b:1::1", "RFC 8215"),
    ("100::1", "RFC 6666"),
    ("2001::1", "RFC 4380"),
    ("2001:2::1", "RFC 5180"),
    ("2001:db8::1", "RFC 3849"),
    ("2002:808:808::1", "RFC 7526"),
    ("3fff::1", "RFC 9637"),
    ("4000::1", "RFC 4291"),
    ("5f00::1", "RFC 9602"),
    ("fc00::1", "RFC 4193"),
    ("fd12:3456:789a::1", "RFC 4193"),
    ("fe80::1", "RFC 4291"),
    ("fec0::1", "RFC 3879"),
    ("ff02::1", "RFC 4291"),
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_accepted(text):
    """
    Addresses of hosts on the internet pass, also the neighbours of every special range.
    """
    address = ipaddress.ip_address(text)

    assert AddressPolicy().refusal(address) is None


@pytest.mark.parametrize(("text", "rfc"), NOT_PUBLIC)
def test_special_addresses_are_refused_with_their_rfc(text, rfc):
    """
    Private, documentation, loopback and every other special address is refused, and the refusal names the RFC.
    """
    reason = AddressPolicy().refusal(ipaddress.ip_address(text))

    assert reason is not None
    assert rfc in reason


def test_the_refusal_names_the_most_specific_range():
    """
    An address that several rows cover is explained by the narrowest.
    """
    row = special_range_of(ipaddress.ip_address("2001:db8::1"))

    assert str(row) == "2001:db8::/32, documentation (RFC 3849)"


def test_public_ranges_widen_what_is_public():
    """
    A laboratory names its range and its addresses count; others in the same special range still do not.
    """
    policy = AddressPolicy((ipaddress.ip_network("10.20.0.0/16"), ipaddress.ip_network("2001:db8::/32")))

    assert policy.accept("10.20.3.4", Family.V4) == ipaddress.ip_address("10.20.3.4")
    assert policy.accept("2001:db8::7", Family.V6) == ipaddress.ip_address("2001:db8::7")
    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.0/8"):
        policy.accept("10.21.3.4", Family.V4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "8.8.8",
        "8.8.8.8/32",
        "8.8.8.08",
        "0x08080808",
        "134744072",
        "8.8.8.8, 8.8.4.4",
        "8.8.8.8\x00",
        "８.８.８.８",  # noqa: RUF001 - full-width digits are the point
        "<html>8.8.8.8</html>",
        "8.8.8.8 " * 1000,
    ],
)
def test_what_is_not_one_address_is_refused(text):
    """
    Only the canonical text of exactly one address passes, and an overlong text is cut in the message.
    """
    with pytest.raises(AddressRefusedError) as caught:
        parse(text, Family.V4)

    assert not caught.value.is_well_formed
    assert len(str(caught.value)) < 200


def test_a_zone_identifier_is_refused():
    """
    A zone only has meaning on the machine that wrote it.
    """
    with pytest.raises(AddressRefusedError):
        parse("fe80::1%eth0", Family.V6)


@pytest.mark.parametrize(("text", "family"), [("2606:4700::1111", Family.V4), ("1.1.1.1", Family.V6)])
def test_the_other_family_is_refused(text, family):
    """
    An IPv6 answer to an IPv4 question is no answer.
    """
    with pytest.raises(AddressRefusedError, match="was asked for"):
        parse(text, family)


def test_surrounding_white_space_is_allowed():
    """
    Services end their text with a newline, or do not.
    """
    assert family_of(parse("\t1.1.1.1\r\n", Family.V4)) is Family.V4


def test_a_refusal_keeps_what_came_in_and_what_is_wrong():
    """
    Long texts are cut; an address that is merely not public is well formed.
    """
    with pytest.raises(AddressRefusedError) as private:
        AddressPolicy().accept("10.0.0.1", Family.V4)
    with pytest.raises(AddressRefusedError) as long:
        parse("x" * 61, Family.V4)
    with pytest.raises(AddressRefusedError, match="it is empty"):
        parse(" ", Family.V4)

    assert (private.value.text, private.value.is_well_formed) == ("10.0.0.1", True)
    assert private.value.reason == "it is in 10.0.0.0/8, private use (RFC 1918)"
    assert (long.value.text, long.value.is_well_formed) == ("x" * 60 + "…", False)
    assert AddressRefusedError("x" * 60, "long").text == "x" * 60


def test_the_longest_text_of_an_address_is_read():
    """
    Forty-five characters, and none more.
    """
    longest = "2606:4700:4700:1111:2222:3333:255.255.255.255"

    assert len(longest) == 45
    assert parse(longest, Family.V6) == ipaddress.ip_address(longest)


def test_two_that_are_unknown_are_the_same_line():
    """
    And one that is known is no unknown one.
    """
    known = ipaddress.ip_address("93.184.216.34")

    assert is_same_line(None, None)
    assert not is_same_line(known, None)
