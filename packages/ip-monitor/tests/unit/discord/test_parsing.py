"""
What comes in: values of commands, custom ids of components, payloads of interactions.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ip_monitor.adapters.discord import actions
from ip_monitor.adapters.discord.announcement import told_by
from ip_monitor.adapters.discord.commands import by_name
from ip_monitor.adapters.discord.interactions import read_command, read_form
from ip_monitor.adapters.discord.parameters import BadArgumentError, Kind, Parameter, parse
from ip_monitor.adapters.discord.text_commands import arguments

PARAMETERS = (
    Parameter(name="name", required=True, minimum=1),
    Parameter(name="family", choices=("ipv4", "ipv6")),
    Parameter(name="hours", kind=Kind.WHOLE, minimum=1, maximum=720),
    Parameter(name="public", kind=Kind.SWITCH),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def test_values_are_judged_whoever_sent_them():
    """
    Capital letters do not matter to choices; words stand for switches.
    """
    given = {"name": " ipify ", "family": "IPv6", "hours": "8", "public": "yes"}

    assert parse(PARAMETERS, given, usage="x") == {"name": "ipify", "family": "ipv6", "hours": 8, "public": True}


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({}, "wrong.missing"),
        ({"name": "a", "colour": "red"}, "wrong.unknown"),
        ({"name": "a\0b"}, "wrong.zero"),
        ({"name": "x" * 49}, "wrong.length"),
        ({"name": ""}, "wrong.length"),
        ({"name": "a", "family": "ipx"}, "wrong.choice"),
        ({"name": "a", "hours": "0"}, "wrong.whole"),
        ({"name": "a", "hours": "٣"}, "wrong.whole"),
        ({"name": "a", "hours": "9" * 5000}, "wrong.whole"),
        ({"name": "a", "hours": 1.5}, "wrong.whole"),
        ({"name": "a", "public": "perhaps"}, "wrong.switch"),
    ],
)
def test_a_value_that_cannot_be_is_named(given, key):
    """
    With the text that tells a person so.
    """
    with pytest.raises(BadArgumentError) as caught:
        parse(PARAMETERS, given, usage="x")

    assert caught.value.key == key


def test_text_is_split_into_values():
    """
    In order, by name, in quotation marks; what is left belongs to the last.
    """
    add, setting = by_name()["api add"], by_name()["config set"]

    assert arguments(add, "api add elm https://e.example/ format=json path=data.ip") == {
        "name": "elm",
        "url": "https://e.example/",
        "format": "json",
        "path": "data.ip",
    }
    assert arguments(setting, "config set command echo a b") == {"name": "command", "value": "echo a b"}
    assert arguments(add, "api add 'my elm'") == {"name": "my elm"}
    assert "extra" in arguments(by_name()["cache show"], "cache show extra")


@given(st.sampled_from(sorted(actions.VERBS)), st.dictionaries(st.text(min_size=1), st.text(), max_size=3))
def test_a_custom_id_brings_back_what_was_put_in(verb, given):
    """
    Whatever characters the values have.
    """
    made = actions.Action(verb, "api remove", given)

    assert actions.read(str(made)) == made


@given(st.text(max_size=120))
def test_a_custom_id_from_elsewhere_does_no_harm(text):
    """
    It is read, or it is not ours.
    """
    found = actions.read(text)

    assert found is None or found.verb in actions.VERBS


@given(JSON)
def test_a_payload_of_any_shape_is_read_without_error(payload):
    """
    Discord's payloads grow; an odd one names no command and fills in no form.
    """
    read_command(payload)
    read_form(payload)


def test_announcements_are_known_by_their_footers():
    """
    One change, several, in each language; nothing else.
    """
    assert told_by("change: 0123456789abcdef") == ("0123456789abcdef", "0123456789abcdef")
    assert told_by("Änderung: a1 … b2") == ("a1", "b2")
    assert told_by("page 3") is None
    assert told_by("check 12: **x**") is None
