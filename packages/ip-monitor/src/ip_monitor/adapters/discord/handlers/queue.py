"""
`/queue`: the announcements on their way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord import times
from ip_monitor.adapters.discord.card import Card, Colour, joined
from ip_monitor.adapters.discord.command import Command, Handle
from ip_monitor.adapters.discord.parameters import Parameter
from ip_monitor.adapters.discord.quoting import code
from ip_monitor.adapters.discord.reply import Reply
from ip_monitor.adapters.discord.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ip_monitor.adapters.discord.call import Call
    from ip_monitor.adapters.discord.desk import Desk
    from ip_monitor.application.admin.queue import QueueStatus, SinkStatus

_ROOM = 3800


async def status(call: Call) -> Reply:
    """
    How many are in which state, by sink.
    """
    return _shown(call, call.texts("queue.title"), await call.desk.admin.queue.status())


async def clear(call: Call) -> Reply:
    """
    Give up what is still to be sent.
    """
    count = await call.desk.admin.queue.clear(by=call.caller.actor, sink=call.text("sink") or None)
    return Reply(cards=(Card(title=call.texts("queue.cleared", count=count), colour=Colour.GOOD),))


async def retry(call: Call) -> Reply:
    """
    Try again what was refused.
    """
    count = await call.desk.admin.queue.retry(by=call.caller.actor, sink=call.text("sink") or None)
    return Reply(cards=(Card(title=call.texts("queue.retried", count=count), colour=Colour.GOOD),))


async def start(call: Call) -> Reply:
    """
    Send again.
    """
    return _shown(call, call.texts("queue.started"), await call.desk.admin.queue.start(by=call.caller.actor))


async def stop(call: Call) -> Reply:
    """
    Send nothing more until `start`.
    """
    return _shown(call, call.texts("queue.stopped"), await call.desk.admin.queue.stop(by=call.caller.actor))


def _shown(call: Call, title: str, found: QueueStatus) -> Reply:
    lines = [_line(call, sink) for sink in found.sinks]
    if found.is_stopped:
        lines.insert(0, call.texts("queue.is_stopped"))
    if found.quiet.muted_until is not None:
        lines.insert(0, call.texts("notify.muted", at=times.relative(found.quiet.muted_until)))
    text = joined(lines, _ROOM, more=call.texts.more) or call.texts("queue.empty")
    ailing = found.is_stopped or any(sink.failed for sink in found.sinks)
    return Reply(cards=(Card(title=title, description=text, colour=Colour.CHANGED if ailing else Colour.GOOD),))


def _line(call: Call, sink: SinkStatus) -> str:
    line = call.texts(
        "queue.line", pending=sink.pending, delivered=sink.delivered, failed=sink.failed, expired=sink.expired
    )
    notes = [call.texts("queue.quiet")] if sink.is_quiet else []
    notes += [] if sink.is_set else [call.texts("queue.not_set")]
    return " · ".join([f"{code(sink.sink, 60)} {line}", *notes])


async def _sinks(desk: Desk, _given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return [(sink.sink, sink.sink) for sink in (await desk.admin.queue.status()).sinks]


SINK = Parameter(name="sink", minimum=1, suggest=_sinks)


def _command(word: str, handle: Handle, *parameters: Parameter, confirms: bool = False) -> Command:
    return Command(
        path=("queue", word),
        standing=Standing.ADMINISTRATOR,
        handle=handle,
        parameters=parameters,
        confirms=confirms,
    )


COMMANDS = (
    _command("status", status),
    _command("clear", clear, SINK, confirms=True),
    _command("retry", retry, SINK),
    _command("start", start),
    _command("stop", stop),
)
