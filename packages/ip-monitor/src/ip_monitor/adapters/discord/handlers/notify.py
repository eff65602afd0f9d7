"""
`/notify`: try announcements, and let them wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord import times
from ip_monitor.adapters.discord.actions import action
from ip_monitor.adapters.discord.card import Card, Colour, joined
from ip_monitor.adapters.discord.command import Command, Handle
from ip_monitor.adapters.discord.handlers.queue import SINK
from ip_monitor.adapters.discord.parameters import Kind, Parameter
from ip_monitor.adapters.discord.quoting import code, prose
from ip_monitor.adapters.discord.reply import Button, Reply
from ip_monitor.adapters.discord.standing import Standing

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.call import Call

DEFAULT_HOURS = 8
_MOST_HOURS = 720
_HOUR_S = 3600.0
_ROOM = 3800


async def test(call: Call) -> Reply:
    """
    Announce a test to one sink, or to all but the log.
    """
    results = await call.desk.admin.notify.test(call.text("sink") or None, by=call.caller.actor)
    lines = [
        f"🟢 {code(one.sink, 60)}" if one.is_delivered else f"🔴 {code(one.sink, 60)} {prose(one.why, 300)}"
        for one in results
    ]
    text = joined(lines, _ROOM, more=call.texts.more) or call.texts("notify.nobody")
    colour = Colour.GOOD if all(one.is_delivered for one in results) else Colour.BAD
    return Reply(cards=(Card(title=call.texts("notify.tested"), description=text, colour=colour),))


async def mute(call: Call) -> Reply:
    """
    Let announcements to people wait.
    """
    hours = call.whole("hours", DEFAULT_HOURS)
    status = await call.desk.admin.notify.mute(hours * _HOUR_S, by=call.caller.actor)
    until = "" if status.muted_until is None else times.both(status.muted_until)
    card = Card(
        title=call.texts("notify.mute_title"), description=call.texts("notify.muted", at=until), colour=Colour.QUIET
    )
    return Reply(
        cards=(card,), buttons=(Button(label=call.texts("button.unmute"), action=action("run", "notify unmute")),)
    )


async def unmute(call: Call) -> Reply:
    """
    Send what waited.
    """
    status = await call.desk.admin.notify.unmute(by=call.caller.actor)
    text = call.texts("notify.still_quiet", hours=code(status.hours)) if status.remaining_s > 0 else ""
    return Reply(cards=(Card(title=call.texts("notify.unmuted"), description=text, colour=Colour.GOOD),))


def _command(word: str, handle: Handle, *parameters: Parameter) -> Command:
    return Command(path=("notify", word), standing=Standing.ADMINISTRATOR, handle=handle, parameters=parameters)


COMMANDS = (
    _command("test", test, SINK),
    _command("mute", mute, Parameter(name="hours", kind=Kind.WHOLE, minimum=1, maximum=_MOST_HOURS)),
    _command("unmute", unmute),
)
