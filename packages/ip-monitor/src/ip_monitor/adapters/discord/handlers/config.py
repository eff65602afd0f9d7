"""
`/config`: the settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord.actions import action
from ip_monitor.adapters.discord.card import Card, Colour, Field, joined
from ip_monitor.adapters.discord.command import Command, Handle
from ip_monitor.adapters.discord.parameters import Parameter
from ip_monitor.adapters.discord.quoting import code, prose
from ip_monitor.adapters.discord.reply import Attachment, Form, Input, Reply
from ip_monitor.adapters.discord.standing import Standing
from ip_monitor.settings.text import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ip_monitor.adapters.discord.call import Call
    from ip_monitor.adapters.discord.desk import Desk
    from ip_monitor.application.admin.config import SettingChanged, SettingView

MOST_VALUE = 4000
LOCAL_ONLY = frozenset(
    {"command", "discord_token_file", "web", "web_certificate", "web_key", "web_origins", "web_reading"}
)
"""
What decides which programs run, which files are read on the monitor's machine, and who may read its page. Whoever manages a server of Discord, or
stole such an account, must not reach that far.
"""
_ROOM = 3800


async def show(call: Call) -> Reply:
    """
    Every value that differs from its default, or one setting with all there is to say about it.
    """
    views = {view.option.name: view for view in await call.desk.admin.config.show()}
    name = call.text("name")
    if not name:
        lines = [_line(view) for view in views.values()]
        text = joined(lines, _ROOM, more=call.texts.more)
        return Reply(cards=(Card(title=call.texts("config.title"), description=text, colour=Colour.QUIET),))
    if name not in views:
        return _unknown(call, name)
    return Reply(cards=(_one(call, views[name]),))


async def list_all(call: Call) -> Reply:
    """
    Every setting with what it takes and what it means.
    """
    options = await call.desk.admin.config.list()
    lines = [f"`{option.name}` ({prose(option.allowed, 80)}) {prose(option.text, 160)}" for option in options]
    text = joined(lines, _ROOM, more=call.texts.more)
    return Reply(cards=(Card(title=call.texts("config.list_title"), description=text, colour=Colour.QUIET),))


async def set_value(call: Call) -> Reply:
    """
    Change a setting. Without a value a form opens with the present one.
    """
    name = call.text("name")
    if name in LOCAL_ONLY:
        return _local(call, name)
    if "value" in call.arguments:
        changed = await call.desk.admin.config.set(name, call.text("value"), by=call.caller.actor)
        return Reply(cards=(_changed(call, changed),))
    # Discord opens a form only at once, so the sources are not read again for it.
    option = next((one for one in await call.desk.admin.config.list() if one.name == name), None)
    if option is None or option.secret:
        return _unknown(call, name)
    value = Input(
        name="value",
        label=name,
        value=as_text(getattr(call.desk.settings(), name)),
        hint=option.allowed,
        maximum=MOST_VALUE,
        is_area=True,
    )
    form = Form(title=call.texts("config.form"), action=action("form", "config set", name=name), inputs=(value,))
    return Reply(form=form)


async def unset(call: Call) -> Reply:
    """
    Give a setting back to the files and variables.
    """
    name = call.text("name")
    if name in LOCAL_ONLY:
        return _local(call, name)
    changed = await call.desk.admin.config.unset(name, by=call.caller.actor)
    return Reply(cards=(_changed(call, changed),))


async def save(call: Call) -> Reply:
    """
    The settings as a file to download.
    """
    text = await call.desk.admin.config.save(by=call.caller.actor)
    card = Card(title=call.texts("config.saved"), description=call.texts("config.saved_text"), colour=Colour.GOOD)
    return Reply(cards=(card,), attachment=Attachment(name="ip-monitor.toml", content=text.encode()))


async def reload(call: Call) -> Reply:
    """
    Read files and variables again.
    """
    done = await call.desk.admin.config.reload(by=call.caller.actor)
    texts = call.texts
    fields: list[Field] = []
    if done.changed:
        fields.append(Field(texts("config.changed_names"), ", ".join(map(code, done.changed))))
    if done.needs_restart:
        fields.append(Field(texts("config.restart"), ", ".join(map(code, done.needs_restart))))
    description = "" if fields else texts("config.nothing_changed")
    return Reply(
        cards=(Card(title=texts("config.reloaded"), description=description, colour=Colour.GOOD, fields=tuple(fields)),)
    )


def _line(view: SettingView) -> str:
    return f"`{view.option.name}` {code(view.value or '-', 80)} · {prose(view.origin, 80)}"


def _one(call: Call, view: SettingView) -> Card:
    texts, option = call.texts, view.option
    live = texts("config.live" if option.live else "config.not_live")
    return Card(
        title=option.name,
        description=prose(option.text, 500),
        colour=Colour.QUIET,
        fields=(
            Field(texts("config.value"), code(view.value or "-", 900)),
            Field(texts("config.allowed"), prose(option.allowed, 200), inline=True),
            Field(texts("config.default"), code(option.shown_default, 200), inline=True),
            Field(texts("config.origin"), code(view.origin, 400)),
        ),
        footer=live,
    )


def _changed(call: Call, changed: SettingChanged) -> Card:
    texts = call.texts
    return Card(
        title=texts("config.set_title", name=prose(changed.name, 60)),
        description=f"{code(changed.before or '-', 400)} → {code(changed.after or '-', 400)}",
        colour=Colour.CHANGED if changed.needs_restart else Colour.GOOD,
        footer=texts("config.not_live" if changed.needs_restart else "config.applies"),
    )


def _unknown(call: Call, name: str) -> Reply:
    text = call.texts("config.unknown", name=code(name, 60))
    return Reply(cards=(Card(title=call.texts("wrong.title"), description=text, colour=Colour.BAD),))


def _local(call: Call, name: str) -> Reply:
    text = call.texts("config.local", name=code(name, 60))
    return Reply(cards=(Card(title=call.texts("denied.title"), description=text, colour=Colour.BAD),))


async def _names(desk: Desk, _given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return [(option.name, option.name) for option in await desk.admin.config.list()]


async def _changeable(desk: Desk, _given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    options = await desk.admin.config.list()
    return [(one.name, one.name) for one in options if not one.secret and one.name not in LOCAL_ONLY]


async def _values(desk: Desk, given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    for option in await desk.admin.config.list():
        if option.name == given.get("name"):
            choices = option.choices or (("true", "false") if option.kind == "true or false" else ())
            return [(choice, choice) for choice in choices]
    return []


_ANY = Parameter(name="name", minimum=1, suggest=_names)
_NAME = Parameter(name="name", required=True, minimum=1, suggest=_changeable)
_VALUE = Parameter(name="value", minimum=0, maximum=MOST_VALUE, suggest=_values, long=True)


def _command(word: str, handle: Handle, *parameters: Parameter) -> Command:
    return Command(path=("config", word), standing=Standing.ADMINISTRATOR, handle=handle, parameters=parameters)


COMMANDS = (
    _command("show", show, _ANY),
    _command("set", set_value, _NAME, _VALUE),
    _command("unset", unset, _NAME),
    _command("list", list_all),
    _command("save", save),
    _command("reload", reload),
)
