"""
`/api`: the providers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ip_monitor.adapters.discord.actions import action
from ip_monitor.adapters.discord.card import Card, Colour, joined
from ip_monitor.adapters.discord.command import Command, Handle
from ip_monitor.adapters.discord.parameters import Kind, Parameter
from ip_monitor.adapters.discord.quoting import code, prose
from ip_monitor.adapters.discord.reply import Form, Input, Reply
from ip_monitor.adapters.discord.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ip_monitor.adapters.discord.call import Call
    from ip_monitor.adapters.discord.desk import Desk
    from ip_monitor.application.admin.providers import FamilyChoice, ProviderAnswer, ProviderRank, ProviderView

_ROOM = 3800
_MOST_URL = 2048
_FORMATS = ("auto", "text", "json", "trace")
_FAMILIES = ("ipv4", "ipv6", "both")


async def list_all(call: Call) -> Reply:
    """
    Everybody who is or could be asked.
    """
    views = await call.desk.admin.providers.list()
    text = _lines(call, views)
    count = sum(view.is_enabled for view in views)
    title = call.texts("api.title", enabled=count, known=len(views))
    return Reply(cards=(Card(title=title, description=text, colour=Colour.QUIET),))


async def add(call: Call) -> Reply:
    """
    Ask one more. Without a URL a form opens.
    """
    name = call.text("name")
    if "url" not in call.arguments:
        return Reply(form=_form(call, name))
    added = await call.desk.admin.providers.add(
        name,
        call.text("url"),
        by=call.caller.actor,
        family=cast("FamilyChoice", call.text("family", "ipv4")),
        format=call.text("format", "auto"),
        path=call.text("path"),
        operator=call.text("operator"),
    )
    return _done(call, "api.added", added)


async def remove(call: Call) -> Reply:
    """
    Take out one that was added by hand.
    """
    names = await call.desk.admin.providers.remove(call.text("name"), by=call.caller.actor)
    text = ", ".join(code(name, 60) for name in names)
    return Reply(cards=(Card(title=call.texts("api.removed"), description=text, colour=Colour.GOOD),))


async def enable(call: Call) -> Reply:
    """
    Ask it from now on.
    """
    return _done(call, "api.enabled", await call.desk.admin.providers.enable(call.text("name"), by=call.caller.actor))


async def disable(call: Call) -> Reply:
    """
    Do not ask it any more.
    """
    return _done(call, "api.disabled", await call.desk.admin.providers.disable(call.text("name"), by=call.caller.actor))


async def priority(call: Call) -> Reply:
    """
    Its place in the order.
    """
    value = call.whole("priority", 0)
    decided = await call.desk.admin.providers.prioritise(call.text("name"), value, by=call.caller.actor)
    return _done(call, "api.prioritised", decided)


async def test(call: Call) -> Reply:
    """
    Ask one, or all, once.
    """
    answers = await call.desk.admin.providers.test(call.text("name") or None, by=call.caller.actor)
    good = sum(answer.address is not None for answer in answers)
    text = joined((_answer(answer) for answer in answers), _ROOM, more=call.texts.more)
    colour = Colour.GOOD if good == len(answers) else Colour.CHANGED if good else Colour.BAD
    title = call.texts("api.tested", good=good, count=len(answers))
    return Reply(cards=(Card(title=title, description=text, colour=colour),))


async def stats(call: Call) -> Reply:
    """
    How they do, the best first.
    """
    ranks = await call.desk.admin.providers.statistics(call.text("name") or None)
    text = joined((_rank(call, rank) for rank in ranks), _ROOM, more=call.texts.more)
    return Reply(cards=(Card(title=call.texts("api.stats"), description=text, colour=Colour.QUIET),))


def _form(call: Call, name: str) -> Form:
    def one(key: str, value: str = "", *, required: bool = False, maximum: int = 48) -> Input:
        hint = call.texts(f"parameter.{key}")
        return Input(name=key, label=key, value=value, hint=hint, required=required, maximum=maximum)

    return Form(
        title=call.texts("api.form"),
        action=action("form", "api add", name=name),
        inputs=(
            one("url", "https://", required=True, maximum=_MOST_URL),
            one("family", "ipv4"),
            one("format", "auto"),
            one("path"),
            one("operator"),
        ),
    )


def _done(call: Call, key: str, views: Sequence[ProviderView]) -> Reply:
    text = _lines(call, views)
    return Reply(cards=(Card(title=call.texts(key), description=text, colour=Colour.GOOD),))


def _lines(call: Call, views: Sequence[ProviderView]) -> str:
    return joined((_line(call, view) for view in views), _ROOM, more=call.texts.more)


def _line(call: Call, view: ProviderView) -> str:
    """
    What is as it is for most is left out, so that most lines stay in one.
    """
    mark = "🟢" if view.is_enabled else "⚪"
    own = " ✎" if view.is_custom else ""
    parts = [f"{mark} {code(view.name, 60)}{own} {view.transport}"]
    if view.weight != 1:
        parts.append(call.texts("api.weight", weight=f"{view.weight:g}"))
    if view.priority:
        parts.append(call.texts("api.priority", priority=view.priority))
    return " · ".join([*parts, code(view.url, 90)])


def _answer(answer: ProviderAnswer) -> str:
    took = f"{answer.latency_s * 1000:.0f} ms"
    if answer.address is not None:
        return f"🟢 {code(answer.provider, 60)} `{answer.address}` {took}"
    return f"🔴 {code(answer.provider, 60)} {took} {answer.failure}: {prose(answer.detail, 160)}"


def _rank(call: Call, rank: ProviderRank) -> str:
    found = rank.statistics
    share = "-" if found.success_share is None else f"{found.success_share:.0%}"
    agree = "-" if found.agreement_share is None else f"{found.agreement_share:.0%}"
    latency = "-" if found.latency_p50_s is None else f"{found.latency_p50_s * 1000:.0f} ms"
    line = call.texts(
        "api.stats_line", score=f"{found.score:.0f}", asked=found.asked, share=share, agree=agree, latency=latency
    )
    mark = "🟢" if rank.is_enabled else "⚪"
    return f"{mark} {rank.rank}. {code(rank.provider, 60)} {line}"


async def _names(desk: Desk, _given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return [(view.name, view.name) for view in await desk.admin.providers.list()]


async def _own(desk: Desk, _given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return [(view.name, view.name) for view in await desk.admin.providers.list() if view.is_custom]


async def _disabled(desk: Desk, _given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return [(view.name, view.name) for view in await desk.admin.providers.list() if not view.is_enabled]


async def _enabled(desk: Desk, _given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return [(view.name, view.name) for view in await desk.admin.providers.list() if view.is_enabled]


def _command(word: str, handle: Handle, *parameters: Parameter, confirms: bool = False) -> Command:
    return Command(
        path=("api", word),
        standing=Standing.ADMINISTRATOR,
        handle=handle,
        parameters=parameters,
        confirms=confirms,
    )


_ANY = Parameter(name="name", minimum=1, suggest=_names)

COMMANDS = (
    _command("list", list_all),
    _command(
        "add",
        add,
        Parameter(name="name", required=True, minimum=1),
        Parameter(name="url", minimum=1, maximum=_MOST_URL, long=True),
        Parameter(name="family", choices=_FAMILIES),
        Parameter(name="format", choices=_FORMATS),
        Parameter(name="path", maximum=100),
        Parameter(name="operator"),
    ),
    _command("remove", remove, Parameter(name="name", required=True, minimum=1, suggest=_own), confirms=True),
    _command("enable", enable, Parameter(name="name", required=True, minimum=1, suggest=_disabled)),
    _command("disable", disable, Parameter(name="name", required=True, minimum=1, suggest=_enabled)),
    _command(
        "priority",
        priority,
        Parameter(name="name", required=True, minimum=1, suggest=_names),
        Parameter(name="priority", kind=Kind.WHOLE, required=True, minimum=0, maximum=1000),
    ),
    _command("test", test, _ANY),
    _command("stats", stats, _ANY),
)
