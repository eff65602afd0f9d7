"""
What the bot says: every language whole, and nothing that comes from outside obeyed.
"""

from __future__ import annotations

import ipaddress
import string
import unicodedata

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ip_monitor.adapters.discord.address_style import AddressStyle
from ip_monitor.adapters.discord.card import Card, Field, cut_lines, embeds, joined
from ip_monitor.adapters.discord.commands import COMMANDS
from ip_monitor.adapters.discord.quoting import block, clean, code, cut, prose, units
from ip_monitor.adapters.discord.registration import commands_payload, fingerprint
from ip_monitor.adapters.discord.texts import LANGUAGES, Texts

ANY = st.text(st.characters(codec="utf-8"), max_size=300)
HOSTILE = "@everyone <@1> **bold** `code` ||x|| \u202etxt.exe\u202c \x00 https://evil.example/ ```\n# head"


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_places_to_fill(language):
    """
    A text that is missing, or lacks a value, would only be noticed by the user who needs it.
    """
    english = LANGUAGES["en"]

    assert english.keys() == LANGUAGES[language].keys()
    assert {k: placeholders(v) for k, v in english.items()} == {
        k: placeholders(v) for k, v in LANGUAGES[language].items()
    }


def test_what_discord_is_told_is_within_its_limits():
    """
    Names, descriptions in each language, ranges; administrators' commands are hidden from others.
    """
    payload = commands_payload(COMMANDS, texts=Texts("en"), others=[("de", Texts("de"))])
    described = [*payload, *(o for c in payload for o in c["options"])]
    described += [o for c in payload for s in c["options"] for o in s.get("options", [])]

    assert len(payload) == 12
    for one in described:
        assert 1 <= len(one["description"]) <= 100, one
        assert all(1 <= len(text) <= 100 for text in one["description_localizations"].values()), one
    hidden = {c["name"] for c in payload if c["default_member_permissions"] == 32}
    assert hidden == {"config", "api", "cache", "queue", "notify", "stop", "sync"}
    changed = commands_payload(COMMANDS[1:], texts=Texts("en"), others=[])
    assert fingerprint(payload) != fingerprint(changed)


@given(ANY, st.integers(10, 400))
def test_quoted_text_is_short_enough_and_shows_no_invisible_character(text, limit):
    """
    Whatever came in.
    """
    for shown in (code(text, limit), prose(text, limit), block(text, limit)):
        assert units(shown) <= limit
        assert not [c for c in shown.replace("\u200b", "").replace("\n", "") if unicodedata.category(c) in {"Cc", "Cf"}]
    assert units(cut(text, limit)) <= limit


def test_hostile_text_is_shown_and_not_obeyed():
    """
    No mention, no heading, no spoiler, no link, no end of the code it stands in.
    """
    shown = prose(HOSTILE)

    assert "@everyone" not in shown
    assert "\\<@" in shown
    assert "\\*\\*bold\\*\\*" in shown
    assert "https\\://" in shown
    assert code(HOSTILE).count("`") == 2
    assert block(HOSTILE).count("```") == 2
    assert "\x00" not in clean(HOSTILE)
    assert "\u202e" not in clean(HOSTILE)


# To draw each character of a long text costs more than all the rest of the test.
LONG = st.builds(
    lambda text, times: text * times, st.text(st.characters(codec="utf-8"), max_size=30), st.integers(0, 300)
)


@given(st.lists(st.tuples(LONG, LONG), max_size=40), ANY, LONG)
def test_a_card_is_cut_at_discords_limits(fields, title, description):
    """
    Each part, the number of fields, nothing empty, and 6,000 in all.
    """
    card = Card(title=title, description=description, fields=tuple(Field(*one) for one in fields), footer=title)
    made = embeds([card] * 3)

    made = [discord.Embed.from_dict(one) for one in made]
    assert sum(len(embed) for embed in made) <= 6000
    for embed in made:
        assert len(embed.fields) <= 25
        assert all(field.name.strip() and field.value.strip() for field in embed.fields)
        assert all(len(field.value) <= 1024 for field in embed.fields)
        assert len(embed.description or "") <= 4096


@pytest.mark.parametrize(
    ("limit", "left"), [(1, "…"), (2, "a…"), (3, "a…"), (4, "a😀…"), (5, "a😀…"), (6, "a😀😀b"), (7, "a😀😀b")]
)
def test_a_cut_never_halves_a_character(limit, left):
    """
    What Discord counts as two is kept whole or left out.
    """
    assert cut("a😀😀b", limit) == left


def test_a_cut_leaves_no_markup_open():
    """
    A block of code is closed again, and lists end after a whole line.
    """
    assert cut_lines("```\n" + "word\n" * 500 + "```", 100).endswith("```")
    assert cut_lines("\n".join(f"`{n}`" for n in range(100)), 60).count("`") % 2 == 0


@pytest.mark.parametrize(
    ("address", "masked"), [("93.184.216.34", "93.184.x.x"), ("2a01:4f8:c0c:1::2", "2a01:4f8:x"), ("::1", "0:0:x")]
)
def test_an_address_is_hidden_as_wished(address, masked):
    """
    Alone, and inside of sentences that others wrote.
    """
    parsed = ipaddress.ip_address(address)

    assert AddressStyle.PLAIN.show(parsed) == f"`{address}`"
    assert AddressStyle.SPOILER.show(parsed) == f"||`{address}`||"
    assert AddressStyle.MASKED.show(parsed) == f"`{masked}`"
    assert AddressStyle.MASKED.hide_in(f"2 say {address}, not 10:30.") == f"2 say {masked}, not 10:30."
    assert AddressStyle.PLAIN.hide_in(f"2 say {address}.") == f"2 say {address}."


def test_one_long_line_is_cut_without_what_could_swallow_the_rest():
    """
    No backtick and no bar is left; a short text is left as it is.
    """
    assert cut_lines("`a` ||b|| " + "c" * 100, 20) == "a b ccccccc\n…"
    assert cut_lines("`a`", 20) == "`a`"


def test_a_card_gives_up_fields_before_its_description():
    """
    From the last one on; then the description is cut.
    """
    card = Card(
        title="title", description="d" * 300, fields=tuple(Field(f"name {n}", "v" * 100) for n in range(3)), footer="f"
    )

    assert [len(card.fitted(room).fields) for room in (6000, 600, 500, 400)] == [3, 2, 1, 0]
    small = card.fitted(100)
    assert small.fields == ()
    assert small.size <= 100
    assert small.description.endswith("…")


@pytest.mark.parametrize(
    ("limit", "shown"),
    [(11, "one\ntwo\nsix"), (10, "one\n2 more"), (9, "3 more"), (6, "3 more"), (4, "3 m…")],
)
def test_lines_that_do_not_fit_are_counted(limit, shown):
    """
    As many whole lines as there is room for beside that.
    """
    assert joined(["one", "two", "six"], limit, more=lambda left: f"{left} more") == shown
    assert joined([], limit, more=str) == ""
