"""
What Discord refuses in messages, forms, suggestions and commands: each rule by what breaks it and by what just does not.
"""

from __future__ import annotations

import pytest
from ip_monitor.testing.discord.rules import (
    broken_by_choices,
    broken_by_command,
    broken_by_commands,
    broken_by_message,
    broken_by_modal,
)

BUTTON = {"type": 2, "style": 1, "label": "ok", "custom_id": "a"}
LINK = {"type": 2, "style": 5, "label": "ok", "url": "https://example.net"}
SELECT = {"type": 3, "custom_id": "s", "options": [{"label": "a", "value": "a"}, {"label": "b", "value": "b"}]}
V2 = 1 << 15


def row(*components):
    return {"components": [{"type": 1, "components": list(components)}]}


def command(**more):
    return {"name": "ip", "description": "which it is", **more}


def option(name="a", **more):
    return {"type": 3, "name": name, "description": "d", **more}


MESSAGES = {
    "a long text": ({"content": "x" * 2001}, "content", "BASE_TYPE_MAX_LENGTH"),
    "a long nonce": ({"nonce": "n" * 26}, "nonce", "BASE_TYPE_MAX_LENGTH"),
    "no nonce to enforce": ({"enforce_nonce": True}, "nonce", "BASE_TYPE_REQUIRED"),
    "text beside components of version 2": (
        {"content": "x", "flags": V2},
        "flags",
        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    ),
    "an empty embed": ({"embeds": [{"color": 1}]}, "embeds[0]", "BASE_TYPE_REQUIRED"),
    "an embed's field of blanks": (
        {"embeds": [{"fields": [{"name": "a", "value": " "}]}]},
        "embeds[0].fields[0].value",
        "BASE_TYPE_REQUIRED",
    ),
    "a picture by ftp": (
        {"embeds": [{"image": {"url": "ftp://x"}}]},
        "embeds[0].image.url",
        "URL_TYPE_INVALID_SCHEME",
    ),
    "large embeds": (
        {"embeds": [{"description": "x" * 3000}, {"description": "x" * 3000, "footer": {"text": "x"}}]},
        "embeds",
        "MAX_EMBED_SIZE_EXCEEDED",
    ),
    "six rows": ({"components": [{"type": 1, "components": []}] * 6}, "components", "BASE_TYPE_MAX_LENGTH"),
    "a button in no row": ({"components": [BUTTON]}, "components", "COMPONENT_TYPE_INVALID"),
    "41 components of version 2": (
        {"flags": V2, "components": [{"type": 10, "content": "x"}] * 41},
        "components",
        "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
    ),
    "a select beside a button": (row(SELECT, BUTTON), "components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED"),
    "six buttons in a row": (
        row(*[{**BUTTON, "custom_id": str(number)} for number in range(6)]),
        "components",
        "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
    ),
    "a link with an id": (row({**LINK, "custom_id": "a"}), "components", "BUTTON_COMPONENT_INVALID"),
    "a button without a label": (row({**BUTTON, "label": ""}), "components", "BUTTON_COMPONENT_INVALID"),
    "more to choose than there is": (row({**SELECT, "max_values": 3}), "components", "COMPONENT_INVALID"),
    "a file that was not sent": ({"attachments": [{"id": 0}]}, "attachments", "ATTACHMENT_NOT_FOUND"),
}
COMMANDS = {
    "a name in capitals": (command(name="IP"), "name", "APPLICATION_COMMAND_INVALID_NAME"),
    "no description": (command(description=""), "description", "BASE_TYPE_REQUIRED"),
    "a large one": (
        command(options=[option(str(number), description="x" * 4000) for number in range(2)]),
        "",
        "APPLICATION_COMMAND_TOO_LARGE",
    ),
    "choices that make it large": (
        command(options=[option(choices=[{"name": "x" * 4000, "value": "x" * 4000}])]),
        "",
        "APPLICATION_COMMAND_TOO_LARGE",
    ),
    "subcommands beside options": (
        command(options=[option(), option("b", type=1)]),
        "options",
        "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
    ),
    "a required option that comes late": (
        command(options=[option(), option("b", required=True)]),
        "options[1].required",
        "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
    ),
    "suggestions beside choices": (
        command(options=[option(choices=[{"name": "a", "value": "a"}], autocomplete=True)]),
        "options[0].autocomplete",
        "APPLICATION_COMMAND_AUTOCOMPLETE",
    ),
    "a bad name of a subcommand's option": (
        command(options=[option("b", type=1, options=[option("no such")])]),
        "options[0].options[0].name",
        "APPLICATION_COMMAND_INVALID_NAME",
    ),
}


@pytest.mark.parametrize(("body", "path", "code"), MESSAGES.values(), ids=MESSAGES)
def test_a_message_breaks_one_rule(body, path, code):
    """
    At the place that is wrong, below the stem; no other rule speaks.
    """
    assert [found[:2] for found in broken_by_message(body, stem="data.")] == [(f"data.{path}", code)]


def test_messages_at_the_limits_break_none():
    """
    As long, as many and as wide as may be.
    """
    whole = {
        "content": "x" * 2000,
        "nonce": "n" * 25,
        "enforce_nonce": True,
        "embeds": [{"description": "x" * 5999, "image": {"url": "attachment://x"}}, {"author": {"name": "x"}}],
        "attachments": [{"id": 0}, {"id": "1234567890123456789"}],
        "components": [
            *row(*[{**BUTTON, "custom_id": str(number)} for number in range(4)], LINK)["components"],
            *row({**SELECT, "max_values": 2})["components"],
        ],
    }
    newer = {
        "flags": V2,
        "components": [{"type": 9, "accessory": LINK, "components": [{"type": 10, "content": "x"}] * 38}],
    }

    assert list(broken_by_message(whole, files=1)) == []
    assert list(broken_by_message(newer)) == []


@pytest.mark.parametrize(("one", "path", "code"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_breaks_one_rule(one, path, code):
    """
    By itself as in a set.
    """
    assert [found[:2] for found in broken_by_command(one)] == [(path, code)]
    assert [found[:2] for found in broken_by_commands([one])] == [(f"[0].{path}".rstrip("."), code)]


def test_a_set_of_commands_has_an_end_and_no_two_of_a_name():
    """
    A user's command may have the name of a typed one, and needs no description.
    """
    many = [command(name=f"c{number}") for number in range(101)]
    alike = [command(), {"type": 2, "name": "ip"}]

    assert [found[1] for found in broken_by_commands(many)] == ["BASE_TYPE_MAX_LENGTH"]
    assert list(broken_by_commands(alike)) == []
    assert len(list(broken_by_commands([command(), command()]))) == 1


def test_forms_and_suggestions_are_judged():
    """
    A text that is longer than its field, two fields of one name, and a suggestion without a name.
    """
    field = {"type": 4, "custom_id": "a", "max_length": 3, "value": "abcd"}
    twice = {"components": [{"type": 18, "component": {**field, "value": "abc"}}] * 2}

    assert [found[1] for found in broken_by_modal({"components": [{"type": 1, "components": [field]}]})] == [
        "BASE_TYPE_MAX_LENGTH"
    ]
    assert len(list(broken_by_modal(twice))) == 1
    assert [found[0] for found in broken_by_choices({"choices": [{"name": "a"}, {"name": " "}]})] == [
        "data.choices[1].name"
    ]
    assert list(broken_by_choices({})) == []
