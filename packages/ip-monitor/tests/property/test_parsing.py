"""
No bytes from outside raise anything but a refusal, and no address that is not public passes.
"""

from __future__ import annotations

import ipaddress

from hypothesis import example, given
from hypothesis import strategies as st
from ip_monitor.adapters.providers.replies import Reply, ReplyRefusedError, read_address
from ip_monitor.domain.addresses import AddressPolicy, AddressRefusedError, Family, parse
from ip_monitor.domain.answers import SourceRefusedError
from ip_monitor.domain.providers import ProviderSpec, ReplyFormat

POLICY = AddressPolicy()


def spec(family, format_):
    return ProviderSpec(name="x", operator="x", family=family, url="https://ip.example/", format=format_)


@given(
    st.binary(max_size=300), st.sampled_from(Family), st.sampled_from(ReplyFormat), st.sampled_from(["", "text/html"])
)
@example(b"[" * 300, Family.V4, ReplyFormat.JSON, "")
@example(b'{"ip": {"ip": []}}', Family.V4, ReplyFormat.AUTO, "")
def test_any_bytes_are_an_address_or_a_refusal(body, family, format_, media_type):
    """
    In every format, for both families.
    """
    try:
        address = read_address(Reply(body, media_type), spec(family, format_), POLICY)
    except ReplyRefusedError:
        return
    assert family == address.version
    assert POLICY.refusal(address) is None


@given(st.ip_addresses())
def test_every_public_address_is_read_in_every_format(address):
    """
    And every other one is refused.
    """
    family = Family(address.version)
    for format_, body in (
        (ReplyFormat.TEXT, f"{address}\n"),
        (ReplyFormat.JSON, f'{{"ip": "{address}"}}'),
        (ReplyFormat.TRACE, f"h=x\nip={address}"),
        (ReplyFormat.AUTO, f"ip={address}"),
    ):
        try:
            found = read_address(Reply(body.encode()), spec(family, format_), POLICY)
        except ReplyRefusedError:
            assert POLICY.refusal(address) is not None
        else:
            assert address == found


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[0-9a-fx.:%]{0,40}")), st.sampled_from(Family))
def test_parsing_agrees_with_the_canonical_text(text, family):
    """
    What is accepted is an address whose canonical text means the same.
    """
    try:
        address = parse(text, family)
    except AddressRefusedError:
        return
    assert address == ipaddress.ip_address(text.strip())


@given(st.one_of(st.text(max_size=80), st.from_regex(r"https?://[ -~]{0,40}")))
def test_any_url_makes_a_specification_or_a_refusal(url):
    """
    Nothing else is raised, and what is accepted has a host.
    """
    try:
        accepted = ProviderSpec(name="x", operator="x", family=Family.V4, url=url)
    except SourceRefusedError:
        return
    assert accepted.host
