"""
What a provider's specification may say.
"""

from __future__ import annotations

import pytest
from ip_monitor.adapters.providers.defaults import DEFAULTS, SPARES
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import SourceRefusedError
from ip_monitor.domain.providers import ProviderSpec, ReplyFormat


def spec(url="https://ip.example/", **fields):
    return ProviderSpec(**{"name": "own", "operator": "own", "family": Family.V4, "url": url, **fields})


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ip.example",
        "ftp://ip.example/",
        "file:///etc/passwd",
        "http://ip.example/",
        "https://",
        "https://user@ip.example/",
        "https://user:secret@ip.example/",
        "https://ip.example:0/",
        "https://ip.example:99999/",
        "https://[::1/",
        "https://ip.example/\n",
        "https://ip.exa\tmple/",
        "https://ip.example\\@evil.example/",
        "https://ip example/",
        "https://ïp.example/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://127.0.0.01/",
        "https://[2606:4700::1111]/",
        "https://ip.example/" + "x" * 3000,
    ],
)
def test_a_bad_url_is_refused(url):
    """
    Schemes, ports, user names, characters that parsers read differently, and the other family's addresses.
    """
    with pytest.raises(SourceRefusedError, match="url") as caught:
        spec(url)

    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "@everyone"),
        ("name", "a\u202eb"),
        ("name", "x" * 49),
        ("operator", "\x00"),
        ("timeout_s", 0),
        ("timeout_s", 31),
        ("timeout_s", float("nan")),
        ("weight", -1),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(field, value):
    """
    The message names the field.
    """
    with pytest.raises(SourceRefusedError, match=field):
        spec(**{field: value})


def test_a_path_without_json_is_refused():
    """
    A path that would never be used is a mistake.
    """
    with pytest.raises(SourceRefusedError, match="json_path"):
        spec(format=ReplyFormat.TEXT, json_path="ip")


def test_plain_http_needs_its_flag():
    """
    Allowed by name, plain HTTP is fine.
    """
    assert spec("http://ip.example/", allow_plain_http=True).transport == "http"


def test_the_defaults_are_six_operators_for_v4_and_five_for_v6():
    """
    Enough independent operators that two liars or two silent ones change nothing; all by TLS, names unique.
    """
    operators = {family: {s.operator for s in DEFAULTS if s.family is family} for family in Family}

    assert (len(operators[Family.V4]), len(operators[Family.V6])) == (6, 5)
    assert all(s.url.startswith("https://") for s in DEFAULTS)
    assert len({s.name for s in DEFAULTS + SPARES}) == len(DEFAULTS + SPARES)
