"""
Bad input: whatever people and payloads bring, nothing crashes, nobody is mentioned, and who asked gets a clear answer.
"""

from __future__ import annotations

import asyncio
import json

import pytest
import pytest_asyncio
from ip_monitor.adapters.discord.commands import COMMANDS
from ip_monitor.adapters.discord.parameters import Kind
from ip_monitor.testing.discord.interactions import InteractionType

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOSTILE = {
    "mention": "@everyone <@1> <@&2> @here",
    "markup": "**x** `y` ||z|| ```\n# head\n> quote [a](https://evil.example)",
    "right to left": "abc\u202egnp.exe\u202c\u2066x\u2069\u200b",
    "zero byte": "a\0b",
    "long": "x" * 5000,
    "combining": "Z" + "\u0301" * 400,
    "braces": "{0.__class__} %s {name!r}",
    "url": "https://user:pw@[::1]:99999/..;/?a=\u2028b",
}


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def room(stage):
    yield
    stage.application.asks.reset()
    stage.application.quiet.unmute()
    stage.application.delivery.start()


async def sent(double, command, options):
    """
    The command with values that no client would send.
    """
    data = {"id": "1", "type": 1, "name": command.path[0]}
    leaf = data
    if len(command.path) > 1:
        leaf = {"type": 1, "name": command.path[1]}
        data["options"] = [leaf]
    leaf["options"] = [{"type": 3, "name": name, "value": value} for name, value in options.items()]
    registered = next(one for one in double.world.commands.values() if one.name == command.path[0])
    actors = double.actors
    interaction = actors._begin(InteractionType.COMMAND, double.admin, double.channel, data, command=registered)
    return await actors._settled(interaction, str(command), 20)


def is_harmless(text):
    """
    Nothing in it that a client obeys or that hides.
    """
    outside_code = "".join(text.split("`")[::2])
    plain = outside_code.replace("@\u200b", "").replace("\\<", "")
    return "@everyone" not in plain and "@here" not in plain and "<@" not in plain and "\u202e" not in text


@pytest.mark.parametrize("what", HOSTILE)
async def test_hostile_values_in_every_command_get_a_clear_answer(stage, what):
    """
    In every text parameter of every command, sent as a changed client could: an answer, no mention, nothing too long.
    """
    double, value = stage.double, HOSTILE[what]
    for command in COMMANDS:
        texts = [one for one in command.parameters if one.kind is Kind.TEXT]
        # Settings are read by a process of their own; one command of theirs stands for all.
        if not texts or (command.path[0] == "config" and command.name != "config set"):
            continue
        options = {one.name: value for one in texts}
        reply = await sent(double, command, options)
        assert reply.embed["title"], command
        assert is_harmless(reply.text), (command, reply.text)
        assert not reply.message.mentions
    assert not double.violations


async def test_hostile_text_commands_are_answered_or_left_alone(stage):
    """
    Unclosed quotation marks, thousands of words, nothing but the mark.
    """
    double = stage.double
    for text in ("!", "!!!", "! status", "!api add '", "!why " + "x " * 900, "!history ipv4 \u0663", "!status extra"):
        double.direct_message(double.member, text)
    asked = double.direct_message(double.member, "!help")
    answer = await double.until(
        lambda: next(
            (m for m in double.messages(asked.channel) if m.id > asked.id and m.embed["title"] == "IP Monitor"), None
        ),
        "the answer to help",
    )

    assert "/status" in answer.text
    told = [m for m in double.messages(asked.channel) if m.author.is_bot]
    assert all(is_harmless(message.text) and not message.mentions for message in told)


async def test_buttons_from_elsewhere_are_answered(stage):
    """
    A command that is no more, values that it does not take, a custom id that is not ours.
    """
    double = stage.double
    for custom_id in (
        "ipm:run:nothing:",
        "ipm:run:history:page=9999",
        "ipm:sure:stop:x=1",
        "other",
        "ipm:run:why:change=%00",
    ):
        shown = await double.slash(double.admin, double.channel, "status")
        shown.message.components[0]["components"][0]["custom_id"] = custom_id
        reply = await double.click(double.admin, shown, custom_id)
        assert reply.embed["title"] in {"Not allowed", "That cannot be"}, custom_id
    assert not stage.running.done()


async def test_an_unexpected_error_is_answered_with_an_id_that_the_log_has(stage, caplog):
    """
    Its text may hold what nobody should see, so only the log has it.
    """
    double, manager = stage.double, stage.application.admin.providers
    plain = manager.list

    async def broken():
        raise RuntimeError("secret-detail")

    manager.list = broken
    try:
        reply = await double.slash(double.admin, double.channel, "api list")
    finally:
        manager.list = plain
    number = reply.embed["footer"]["text"].split()[1].rstrip(";")

    assert "secret-detail" not in reply.text
    assert "RuntimeError" in reply.text
    assert f"[{number}]" in caplog.text
    assert "secret-detail" in caplog.text


async def test_a_very_long_answer_is_cut_at_discords_limits(stage):
    """
    Hundreds of troubles and names: one message, which Discord takes.
    """
    double, announcer = stage.double, stage.application.announcer
    for number in range(200):
        announcer.trouble(f"topic {number} @everyone", what="w" * 300 + "@here")
    reply = await double.slash(double.member, double.channel, "status")
    for number in range(200):
        announcer.fine(f"topic {number} @everyone")

    assert "and 1" in reply.text
    assert is_harmless(reply.text)
    assert sum(len(json.dumps(embed)) for embed in reply.embeds) < 10_000


async def test_unknown_events_and_payloads_do_not_end_the_bot(stage):
    """
    An event that nobody knows, an interaction of an unknown kind, one without user or data.
    """
    double = stage.double
    base = {
        "id": "1",
        "application_id": str(double.world.application_id),
        "token": "t",
        "version": 1,
        "attachment_size_limit": 1,
        "entitlements": [],
        "locale": "xx-YY",
    }
    for event, data in (
        ("SOMETHING_NEW", {"a": [1]}),
        ("INTERACTION_CREATE", {**base, "type": 99}),
        ("INTERACTION_CREATE", {**base, "type": 2, "data": {"name": 5, "options": "x"}}),
        (
            "INTERACTION_CREATE",
            {**base, "type": 3, "data": {"custom_id": "ipm:run:ip:", "component_type": 2, "values": 7}},
        ),
    ):
        double.gateway.send_raw({"op": 0, "s": None, "t": event, "d": data})
        await asyncio.sleep(0)
    reply = await double.slash(double.member, double.channel, "help")

    assert reply.embed["title"] == "IP Monitor"
    double.take_violations()
