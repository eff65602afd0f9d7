"""
`ip-monitor queue`: the announcements and how far they got.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ip_monitor.cli.holding_back import HoldingBack
from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json, echo_table
from ip_monitor.domain.notices import DeliveryState

if TYPE_CHECKING:
    from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
    from ip_monitor.settings import Request

_SINK = click.option("--sink", help="Only what goes to this sink.")


@click.group()
def command() -> None:
    """
    The announcements and how far they got. All of these work while a monitor runs and while none does.
    """


@command.command()
@settings_options
@json_option
def status(request: Request, *, as_json: bool) -> None:
    """
    How many announcements each sink got, waits for, or refused; and whether they are held back.
    """
    from ip_monitor.cli.reading import read  # noqa: PLC0415 # a command pays when it runs

    counts, state = read(request, _look)
    holding = HoldingBack.told_by(state)
    sinks = {sink: {one.value: states.get(one, 0) for one in DeliveryState} for sink, states in sorted(counts.items())}
    if as_json:
        echo_json({**holding.as_json(), "sinks": sinks})
        return
    for line in holding.lines():
        click.echo(line)
    if sinks:
        rows = [(sink, *(str(count) for count in states.values())) for sink, states in sinks.items()]
        echo_table(("sink", *(one.value for one in DeliveryState)), rows)
    else:
        click.echo("Nothing was announced yet.")


@command.command()
@settings_options
@_SINK
@json_option
def clear(request: Request, *, sink: str | None, as_json: bool) -> None:
    """
    Give up what is still to be sent; it stays on record.
    """
    count = _act(request, "clear", sink=sink)
    _tell({"cleared": count}, f"gave up {_counted(count)}", as_json=as_json)


@command.command()
@settings_options
@_SINK
@json_option
def retry(request: Request, *, sink: str | None, as_json: bool) -> None:
    """
    Make what was refused or waits for its next try due now.
    """
    count = _act(request, "retry", sink=sink)
    are = "is" if count == 1 else "are"
    text = f"{_counted(count)} {are} due now; a running monitor sends them at once, `ip-monitor check` does too"
    _tell({"due": count}, text, as_json=as_json)


@command.command()
@settings_options
@json_option
def stop(request: Request, *, as_json: bool) -> None:
    """
    Send nothing until `queue start`, also after a restart. Changes go on being queued, and nothing is lost.
    """
    _tell(_act(request, "stop"), "the queue is stopped", as_json=as_json)


@command.command()
@settings_options
@json_option
def start(request: Request, *, as_json: bool) -> None:
    """
    Send again.
    """
    _tell(_act(request, "start"), "the queue is started", as_json=as_json)


async def _look(storage: SQLiteIPStorage) -> tuple[dict[str, dict[DeliveryState, int]], dict[str, str]]:
    return await storage.count_deliveries(), await storage.load_state()


def _act(request: Request, what: str, **arguments: Any) -> Any:
    from ip_monitor.cli.acting import act  # noqa: PLC0415 # a command pays when it runs

    return act(request, f"queue.{what}", **arguments)


def _counted(count: int) -> str:
    return f"{count} announcement{'' if count == 1 else 's'}"


def _tell(value: Any, text: str, *, as_json: bool) -> None:
    if as_json:
        echo_json(value)
    else:
        click.echo(text)
