"""
What a provider's specification may say.
"""

from __future__ import annotations

import pytest
from ip_monitor.adapters.providers.defaults import DEFAULTS, SPARES
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import SourceRefusedError
from ip_monitor.domain.providers import ProviderSpec, ReplyFormat, field_rules


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
        ("name", "x" * 41),
        ("operator", "x" * 41),
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


def test_a_name_of_forty_letters_has_room_for_its_family():
    """
    Whoever adds a provider gives the name alone, in the settings or by hand.
    """
    assert spec(name=f"{'x' * 40} IPv4").bare_name == "x" * 40


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


def test_what_a_source_weighs_and_how_long_it_may_take_when_nothing_is_said():
    """
    A packet weighs less than a connection, an interface is evidence only.
    """
    urls = {
        "https://ip.example/": 1.0,
        "stun://ip.example:3478": 0.5,
        "dns://ip.example/?name=whoami.example": 0.25,
        "interface://eth0": 0.0,
    }

    assert {url: spec(url).source.weight for url in urls} == urls
    assert spec().timeout_s == 4.5
    assert spec(timeout_s=30).timeout_s == 30
    assert spec(timeout_s=0.5).timeout_s == 0.5


def test_the_longest_url_is_taken_and_a_refusal_is_short():
    """
    2,048 characters; what is refused is shown up to eighty of them.
    """
    base = "https://ip.example/"

    assert spec(base + "x" * (2048 - len(base)))
    with pytest.raises(SourceRefusedError, match="printable ASCII") as caught:
        spec(base + "x" * (2049 - len(base)))
    assert f"{(base + 'x' * 80)[:80]}…'" in str(caught.value)
    with pytest.raises(SourceRefusedError) as exact:
        spec("ftp://" + "x" * 74)
    assert "…" not in str(exact.value)


@pytest.mark.parametrize(
    "query", ["", "type=A", "name=a%20b", "name=whoami.example&type=MX", "name=whoami.example&class=HS"]
)
def test_a_dns_question_that_cannot_be_asked_is_refused(query):
    """
    A name, a type that holds an address, and a class that servers know.
    """
    with pytest.raises(SourceRefusedError, match="its query needs"):
        spec(f"dns://ip.example/?{query}")


def test_a_dns_question_is_read_from_the_url():
    """
    With the usual type and class where they are left out; rules keep their order whatever they were written in.
    """
    asked = spec("dns://ip.example/?name=whoami.example&type=txt&class=ch").question

    assert (asked.name, asked.type, asked.class_) == ("whoami.example", "TXT", "CH")
    assert spec("dns://ip.example/?name=whoami.example").question.type == "A"
    assert field_rules({"b": "2", "a": "1"}) == (("a", "1"), ("b", "2"))
