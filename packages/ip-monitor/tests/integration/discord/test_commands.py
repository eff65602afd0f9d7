"""
Every command, button, menu and form, end to end: users act in the double, the unpatched client hears of it, and what the
users then see is judged.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from ip_monitor.adapters.discord import actions
from ip_monitor.adapters.discord.commands import COMMANDS, by_name
from ip_monitor.adapters.discord.standing import Standing
from ip_monitor.testing.discord import NotOfferedError, Permission
from ip_monitor.testing.discord.interactions import InteractionType

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = Path(__file__).resolve().parents[5] / "docs" / "reference" / "discord-commands.md"
# Settings are read by a process of their own, which a busy machine starts late.
PATIENCE_S = 20.0
ADDRESS = r"\b203\.0\.113\.\d+|198\.51\.100\.\d+"


@dataclass(frozen=True)
class Scene:
    """
    How a command is tried: its values, what the title of the answer then says, and the same as a text.
    """

    title: str
    options: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    asks: bool = False


SCENES = {
    "ip": Scene("address|unchanged"),
    "history": Scene("History", {"family": "ipv4", "page": 1}, "ipv4 1"),
    "status": Scene("IP Monitor"),
    "why": Scene("known|IPv4", {"change": "last"}, "last"),
    "help": Scene("IP Monitor"),
    "config show": Scene("interval_s", {"name": "interval_s"}, "interval_s"),
    "config set": Scene("was changed", {"name": "retry_s", "value": "12"}, "retry_s 12"),
    "config unset": Scene("was changed", {"name": "retry_s"}, "retry_s"),
    "config list": Scene("What can be set"),
    "config save": Scene("as a file"),
    "config reload": Scene("Read again"),
    "api list": Scene("3 of 21 are asked"),
    "api add": Scene("did not work", {"name": "alder", "url": "https://127.0.0.1/"}, "alder https://127.0.0.1/"),
    "api remove": Scene("Really", {"name": "alder IPv4"}, "'alder IPv4'", asks=True),
    "api enable": Scene("Asked", {"name": "alder IPv4"}, "'alder IPv4'"),
    "api disable": Scene("Not asked", {"name": "cedar IPv4"}, "'cedar IPv4'"),
    "api priority": Scene("in its place", {"name": "alder IPv4", "priority": 7}, "'alder IPv4' 7"),
    "api test": Scene("1 of 1 gave", {"name": "alder IPv4"}, "'alder IPv4'"),
    "api stats": Scene("How they do", {"name": "alder IPv4"}, "'alder IPv4'"),
    "cache show": Scene("Remembered"),
    "cache clear": Scene("Really", asks=True),
    "cache stats": Scene("saved"),
    "cache cleanup": Scene("forgotten"),
    "cache refresh": Scene("unchanged"),
    "queue status": Scene("Announcements"),
    "queue clear": Scene("Really", {"sink": "discord"}, "discord", asks=True),
    "queue retry": Scene("are due now", {"sink": "discord"}, "discord"),
    "queue start": Scene("sends"),
    "queue stop": Scene("stopped"),
    "notify test": Scene("Test", {"sink": "discord"}, "discord"),
    "notify mute": Scene("Muted", {"hours": 2}, "2"),
    "notify unmute": Scene("go on"),
    "stop": Scene("Really", asks=True),
    "sync": Scene("Discord knows 12 commands"),
}


@dataclass(frozen=True)
class Pressed:
    """
    What is pressed, chosen or sent: its custom id, what its command needs, and what the title of the answer then says.
    """

    custom_id: str
    command: str
    title: str
    chosen: str = ""
    form: dict[str, str] = field(default_factory=dict)


def pressed(verb: str, command: str, title: str, *, chosen="", form=None, **arguments) -> Pressed:
    return Pressed(actions.action(verb, command, **arguments), command, title, chosen, form or {})


CONTROLS = {
    "button Check now": pressed("run", "ip", "address|unchanged"),
    "button Why?": pressed("run", "why", "known|IPv4", change="last"),
    "button History": pressed("run", "history", "History"),
    "button Mute 8 h": pressed("run", "notify mute", "Muted", hours=8),
    "button Unmute": pressed("run", "notify unmute", "go on"),
    "button Newest": pressed("turn", "history", "History", page=1, chart="no"),
    "button Newer": pressed("turn", "history", "History", page=1),
    "button Older": pressed("turn", "history", "History", page=2),
    "button Chart": pressed("turn", "history", "History", page=1, chart="yes"),
    "menu of families": pressed("turn", "history", "History", pick="family", chosen="ipv4"),
    "button Yes of /api remove": pressed("sure", "api remove", "did not work", name="alder IPv4"),
    "button Yes of /cache clear": pressed("sure", "cache clear", "forgotten"),
    "button Yes of /queue clear": pressed("sure", "queue clear", "given up", sink="discord"),
    "button Yes of /stop": pressed("sure", "stop", "That cannot be", wrong="1"),
    "form of /config set": pressed("form", "config set", "cannot be|did not", name="retry_s", form={"value": "never"}),
    "form of /api add": pressed("form", "api add", "did not work", name="elm", form={"url": "https://127.0.0.1/"}),
}
BEYOND = {
    "ip": ["test_the_answer_is_for_everybody_on_request", "test_an_announcement_has_buttons_that_work"],
    "history": ["test_history_is_turned_filtered_and_drawn"],
    "why": ["test_an_announcement_has_buttons_that_work", "test_names_are_suggested_to_those_who_may_see_them"],
    "config set": [
        "test_a_setting_is_changed_in_a_form",
        "test_no_program_of_the_machine_is_chosen_in_discord",
    ],
    "api add": ["test_a_provider_is_added_in_a_form_and_removed_after_a_yes"],
    "api remove": ["test_a_provider_is_added_in_a_form_and_removed_after_a_yes"],
    "cache clear": ["test_what_cannot_be_undone_is_asked_about_first"],
    "queue clear": ["test_what_cannot_be_undone_is_asked_about_first"],
    "notify mute": ["test_an_announcement_has_buttons_that_work"],
    "stop": ["test_life.py::test_stop_answers_and_then_ends_the_monitor"],
}


def has_checked(application):
    running = application._asking.monitor._running
    return running is not None and running.done()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def as_found(stage):
    """
    What a test may have left behind is put back, and everybody may have the world asked again.
    """
    application = stage.application
    settings, asking = application.settings, application._asking
    yield
    if application.settings is not settings:
        # The changed settings are taken over, and the monitor's own first check with them is done: what that opens is the
        # monitor's, not this test's.
        async with asyncio.timeout(PATIENCE_S):
            while application._wanted is not None or application._asking is asking or not has_checked(application):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    application.asks.reset()
    application.quiet.unmute()
    stage.double.member.locale = "en-US"
    for name in ("alder", "birch", "cedar"):
        await application.manager.enable(f"{name} IPv4")
    if application.delivery.is_stopped:
        application.delivery.start()


async def everybody(stage) -> list[tuple[Any, Any, Standing]]:
    """
    Who calls from where, and what they are there: administrator, member and stranger, each in a channel and in direct
    messages. A stranger's channel is one of another server, which they administrate.
    """
    double = stage.double
    world = double.world
    guild = next((guild for guild in world.guilds.values() if guild.name == "Elsewhere"), None)
    if guild is None:
        guild = world.add_guild("Elsewhere")
        world.add_channel(guild, "talk")
        world.add_member(guild, double.stranger, world.add_role(guild, "Admins", Permission.ADMINISTRATOR))
    elsewhere = next(iter(guild.channels.values()))
    return [
        (double.stranger, elsewhere, Standing.STRANGER),
        (double.stranger, world.direct(double.stranger), Standing.STRANGER),
        (double.member, double.channel, Standing.MEMBER),
        (double.member, world.direct(double.member), Standing.MEMBER),
        (double.admin, double.channel, Standing.ADMINISTRATOR),
        (double.admin, world.direct(double.admin), Standing.ADMINISTRATOR),
    ]


async def test_every_command_has_a_scene():
    """
    None is left untried.
    """
    assert [command.name for command in COMMANDS] == list(SCENES)


@pytest.mark.parametrize("name", SCENES)
async def test_slash_command_answers_each_as_they_may(stage, name):
    """
    Administrator, member and stranger, each in a channel and in direct messages: those who may get the answer, the others
    a refusal, and nobody else sees either.
    """
    double, scene, standing = stage.double, SCENES[name], by_name()[name].standing
    for user, place, has in await everybody(stage):
        reply = await double.slash(user, place, name, forced=True, within_s=PATIENCE_S, **scene.options)

        wanted = scene.title if has >= standing else "Not allowed"
        assert re.search(wanted, reply.embed["title"]), (user, place, reply.embed)
        assert reply.is_ephemeral
        if has < standing:
            assert not re.search(ADDRESS, reply.text)
    assert not double.violations


@pytest.mark.parametrize("name", SCENES)
async def test_text_command_answers_each_as_they_may(stage, name):
    """
    In the channel what everybody may see is answered there and the rest in direct messages; strangers are refused.
    """
    double, scene, standing = stage.double, SCENES[name], by_name()[name].standing
    written = double.direct_message(double.stranger, f"!{name} {scene.text}")
    answer = await double.message(written.channel, after=written)
    assert re.search("IP Monitor" if name == "help" else "Not allowed", answer.embed["title"]), answer.text
    for user, has in ((double.member, Standing.MEMBER), (double.admin, Standing.ADMINISTRATOR)):
        before = (double.messages(double.world.direct(user)) or [None])[-1]
        written = double.text(user, double.channel, f"!{name} {scene.text}")
        if standing is Standing.ADMINISTRATOR:
            note = await double.until(
                partial(said_after, double, written, "direct messages"), "the note", within_s=PATIENCE_S
            )
            assert not re.search(ADDRESS, note.text)
            answer = await double.message(double.world.direct(user), after=before, within_s=PATIENCE_S)
        else:
            answer = await double.message(double.channel, after=written)
        assert re.search(scene.title if has >= standing else "Not allowed", answer.embed["title"]), answer.text


@pytest.mark.parametrize("name", SCENES)
async def test_text_command_in_private_answers_each_as_they_may(stage, name):
    """
    Members and administrators in their direct messages, where the answer is given too.
    """
    double, scene, standing = stage.double, SCENES[name], by_name()[name].standing
    for user, has in ((double.member, Standing.MEMBER), (double.admin, Standing.ADMINISTRATOR)):
        written = double.direct_message(user, f"!{name} {scene.text}")
        answer = await double.message(written.channel, after=written, within_s=PATIENCE_S)
        assert re.search(scene.title if has >= standing else "Not allowed", answer.embed["title"]), answer.text
    assert not double.violations


@pytest.mark.parametrize("what", CONTROLS)
async def test_button_menu_and_form_answer_each_as_they_may(stage, what):
    """
    Wherever it is pressed and whoever presses it, also where no client would show it to them: the bot judges by itself.
    """
    double, tried = stage.double, CONTROLS[what]
    standing = by_name()[tried.command].standing
    for user, place, has in await everybody(stage):
        shown = await double.slash(user, place, "help", within_s=PATIENCE_S)
        shown.message.components = [{"id": 1, "type": 1, "components": [control_of(what, tried)]}]
        if tried.form:
            rows = [
                {"type": 1, "id": 1, "components": [{"type": 4, "id": 2, "custom_id": n, "value": v}]}
                for n, v in tried.form.items()
            ]
            data = {"custom_id": tried.custom_id, "components": rows}
            begun = double.actors._begin(InteractionType.MODAL, user, place, data, source=shown.message)
            reply = await double.actors._settled(begun, what, PATIENCE_S)
        elif tried.chosen:
            reply = await double.select(user, shown, tried.custom_id, tried.chosen, within_s=PATIENCE_S)
        else:
            reply = await double.click(user, shown, tried.custom_id, within_s=PATIENCE_S)

        wanted = tried.title if has >= standing else "Not allowed"
        assert re.search(wanted, reply.embed["title"]), (user, place, reply.embed)
        assert reply.is_ephemeral or reply.is_update
        if has < standing:
            assert not re.search(ADDRESS, reply.text)
    assert not stage.running.done()
    assert not double.violations


def control_of(what, tried):
    """
    The button or menu, as a message carries it.
    """
    if tried.chosen:
        choices = [{"label": one, "value": one} for one in ("both", "ipv4", "ipv6")]
        return {"id": 2, "type": 3, "custom_id": tried.custom_id, "options": choices, "min_values": 1, "max_values": 1}
    return {"id": 2, "type": 2, "style": 2, "label": what[:80], "custom_id": tried.custom_id}


def said_after(double, written, text):
    return next((m for m in double.messages() if m.id > written.id and m.author.is_bot and text in m.text), None)


async def test_text_commands_work_in_direct_messages_and_nowhere_else(stage):
    """
    A member asks in private; another channel of the same server is left alone, and so are other bots' commands.
    """
    double = stage.double
    asked = double.direct_message(double.admin, '!api priority "alder IPv4" priority=9')
    answer = await double.message(asked.channel, after=asked)
    assert answer.embed["title"] == "Put in its place"
    elsewhere = double.world.add_channel(double.guild, "talk")
    double.text(double.member, elsewhere, "!status")
    double.text(double.member, double.channel, "!play music")
    group = double.text(double.member, double.channel, "!queue")

    note = await double.message(double.channel, after=group)
    assert "direct messages" in note.text
    assert "`!queue retry [sink]`" in double.messages(double.world.direct(double.member))[-1].text
    assert double.messages(elsewhere)[1:] == []


async def test_discord_offers_the_administrators_commands_to_nobody_else(stage):
    """
    By the permissions that they are registered with.
    """
    offered = stage.double.actors.offered(stage.double.member, stage.double.channel)

    assert offered == ["help", "history", "ip", "status", "why"]
    with pytest.raises(NotOfferedError):
        await stage.double.slash(stage.double.member, stage.double.channel, "stop")


async def test_the_answer_is_for_everybody_on_request(stage):
    """
    Only then it is in the channel.
    """
    reply = await stage.double.slash(stage.double.member, stage.double.channel, "ip", public=True)

    assert not reply.is_ephemeral
    assert reply.message in stage.double.messages()


async def test_an_announcement_has_buttons_that_work(stage):
    """
    Check now and why for members, mute for administrators only; each is answered to who pressed alone.
    """
    double = stage.double
    announced = double.messages()[0]

    checked = await double.click(double.member, announced, "Check now")
    why = await double.click(double.member, announced, "Why?")
    refused = await double.click(double.member, announced, "Mute 8 h")
    muted = await double.click(double.admin, announced, "Mute 8 h")

    assert re.search(ADDRESS, checked.text)
    assert [embed["title"] for embed in why.embeds][:1] == ["IPv4 address known"]
    assert "alder" in why.text
    assert refused.embed["title"] == "Not allowed"
    assert muted.embed["title"] == "Muted"
    assert stage.application.quiet.status().muted_until is not None
    assert all(reply.is_ephemeral and not reply.is_update for reply in (checked, why, refused, muted))
    unmuted = await double.click(double.admin, muted, "Unmute")
    assert unmuted.embed["title"] == "Announcements go on"


async def test_history_is_turned_filtered_and_drawn(stage):
    """
    Buttons and the menu change the message in place; the picture is a PNG.
    """
    double = stage.double
    shown = await double.slash(double.member, double.channel, "history")
    filtered = await double.select(double.member, shown, shown.controls[0].custom_id, "ipv6")
    assert "Nothing" in filtered.text
    both = await double.select(double.member, shown, filtered.controls[0].custom_id, "both")
    drawn = await double.click(double.member, both, "Chart")

    assert drawn.is_update
    (picture,) = drawn.message.attachments
    assert picture.data.startswith(b"\x89PNG")
    assert [c.is_disabled for c in drawn.controls if c.is_button] == [True, True, True, False]


async def test_a_setting_is_changed_in_a_form(stage):
    """
    Without a value a form opens with the present one, and what is sent is judged as any other value.
    """
    double = stage.double
    opened = await double.slash(double.admin, double.channel, "config set", within_s=PATIENCE_S, name="retry_s")
    wrong = await double.submit_modal(opened, {"value": "never"}, within_s=PATIENCE_S)
    right = await double.submit_modal(opened, {"value": "13"}, within_s=PATIENCE_S)

    assert "retry_s" in wrong.text
    assert "1 to 3600 seconds" in wrong.text
    assert "`13`" in right.text
    assert stage.application.settings.retry_s == 13
    await double.slash(double.admin, double.channel, "config unset", within_s=PATIENCE_S, name="retry_s")
    assert stage.application.settings.retry_s == 10


async def test_no_program_of_the_machine_is_chosen_in_discord(stage):
    """
    Managing a server of Discord gives no right to run programs or read files where the monitor runs.
    """
    double = stage.double
    for path, options in (
        ("config set", {"name": "command", "value": "sh -c id"}),
        ("config set", {"name": "command"}),
        ("config unset", {"name": "discord_token_file"}),
    ):
        reply = await double.slash(double.admin, double.channel, path, **options)
        assert reply.embed["title"] == "Not allowed"
    assert stage.application.settings.command == ()


async def test_a_provider_is_added_in_a_form_and_removed_after_a_yes(stage):
    """
    The form's fields are checked, an internal server is refused with its reason, and a no does nothing.
    """
    double, manager = stage.double, stage.application.manager
    opened = await double.slash(double.admin, double.channel, "api add", name="elm")
    refused = await double.submit_modal(opened, {"url": "https://[::1]/", "family": "ipv6"})
    odd = await double.submit_modal(opened, {"url": "https://1.1.1.1/", "family": "ipx"})
    added = await double.submit_modal(opened, {"url": "https://1.1.1.1/", "operator": "Elm"})
    assert "loopback" in refused.text
    assert "ipv4, ipv6, both" in odd.text
    assert added.embed["title"] == "Added"

    asked = await double.slash(double.admin, double.channel, "api remove", name="elm IPv4")
    kept = await double.click(double.admin, asked, "No")
    assert (kept.embed["title"], kept.is_update) == ("Nothing was done.", True)
    assert "elm IPv4" in {one.spec.name for one in manager.list()}
    asked = await double.slash(double.admin, double.channel, "api remove", name="elm IPv4")
    gone = await double.click(double.admin, asked, "Yes, do it")
    assert gone.embed["title"] == "Removed"
    assert "elm IPv4" not in {one.spec.name for one in manager.list()}


async def test_what_cannot_be_undone_is_asked_about_first(stage):
    """
    Nothing happens before the yes, the question is replaced by the answer, and a yes of somebody else counts for
    nothing.
    """
    double = stage.double
    await double.slash(double.admin, double.channel, "cache refresh")
    asked = await double.slash(double.admin, double.channel, "cache clear")
    assert len(stage.application.checks)
    stolen = await double.click(double.member, asked, "Yes, do it", forced=True)
    assert stolen.embed["title"] == "Not allowed"
    asked = await double.slash(double.admin, double.channel, "cache clear")
    done = await double.click(double.admin, asked, "Yes, do it")
    assert (done.embed["title"], done.is_update, done.controls) == ("1 entry forgotten", True, [])
    asked = await double.slash(double.admin, double.channel, "queue clear")
    done = await double.click(double.admin, asked, "Yes, do it")
    assert done.embed["title"] == "0 announcements given up"


async def test_names_are_suggested_to_those_who_may_see_them(stage):
    """
    Settings, values, providers, sinks and changes, at most 25, those that begin so first.
    """
    double, channel = stage.double, stage.double.channel

    async def suggested(path, option, typed="", user=double.admin, **given):
        return [value for _, value in await double.autocomplete(user, channel, path, option, typed, **given)]

    assert (await suggested("config set", "name", "inter"))[0] == "interval_s"
    assert await suggested("config set", "value", name="families") == ["both", "ipv4", "ipv6"]
    assert await suggested("config set", "value", name="default_providers") == ["true", "false"]
    assert len(await suggested("config show", "name")) == 25
    assert not [name for name in await suggested("config set", "name", "token") if name == "discord_token"]
    assert await suggested("api disable", "name", "ced") == ["cedar IPv4"]
    assert await suggested("queue retry", "sink") == ["discord", "log"]
    assert (await suggested("why", "change", user=double.member))[0] == "last"


async def test_help_shows_what_the_caller_may_use(stage):
    """
    No administrators' command to a member, every command to an administrator.
    """
    double = stage.double
    member = await double.slash(double.member, double.channel, "help")
    admin = await double.slash(double.admin, double.channel, "help")

    assert "/config" not in member.text
    assert "/stop" not in member.text
    assert [command.name for command in COMMANDS if f"/{command.name}" not in admin.text] == []


async def test_each_is_answered_in_their_own_language(stage):
    """
    By the locale that Discord tells; a language that is not known gets English.
    """
    double = stage.double
    double.member.locale = "de"
    german = await double.slash(double.member, double.channel, "history")
    double.member.locale = "fr"
    french = await double.slash(double.member, double.channel, "history")

    assert german.embed["title"] == "Verlauf"
    assert french.embed["title"] == "History"


def page() -> str:
    """
    The table of the documentation.
    """
    rows = ["| command | for | written | proven by |", "|---|---|---|---|"]
    for command in COMMANDS:
        proofs = [
            f"`test_slash_command_answers_each_as_they_may[{command.name}]`",
            f"`test_text_command_answers_each_as_they_may[{command.name}]`",
            f"`test_text_command_in_private_answers_each_as_they_may[{command.name}]`",
            *(f"`{name}`" for name in BEYOND.get(command.name, [])),
        ]
        usage = command.usage.replace("|", "\\|")
        rows.append(f"| `{command}` | {command.standing.name.lower()} | `/{usage}` | {'<br>'.join(proofs)} |")
    rows += ["", "| button, menu or form | of | for | proven by |", "|---|---|---|---|"]
    for what, tried in CONTROLS.items():
        standing = by_name()[tried.command].standing.name.lower()
        test = "test_button_menu_and_form_answer_each_as_they_may"
        rows.append(f"| {what} | `/{tried.command}` | {standing} | `{test}[{what}]` |")
    return "\n".join(rows)


async def test_the_page_names_the_tests_that_prove_each_command():
    """
    The table in the documentation is the one made here, and every test that it names is there. With UPDATE_DOCS in the
    environment the page is written anew.
    """
    text = PAGE.read_text()
    fresh = re.sub(r"(?<=<!-- table -->\n).*?(?=\n<!-- end -->)", lambda _: page(), text, flags=re.DOTALL)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(fresh)
    named = {name for names in BEYOND.values() for name in names if "::" not in name}
    elsewhere = [name.split("::") for names in BEYOND.values() for name in names if "::" in name]

    assert PAGE.read_text() == fresh
    assert named <= set(globals())
    assert all(f"def {test}(" in Path(__file__).with_name(file).read_text() for file, test in elsewhere)
