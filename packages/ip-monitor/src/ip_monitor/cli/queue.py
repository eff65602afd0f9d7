"""
`ip-monitor queue`: the announcements and how far they got.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ip_monitor.cli.options import settings_options
from ip_monitor.cli.output import echo_json, echo_table
from ip_monitor.domain.notices import DeliveryState
from ip_monitor.settings import load

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
    from ip_monitor.settings import Request


@click.group()
def command() -> None:
    """
    The announcements and how far they got.
    """


@command.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def status(request: Request, *, as_json: bool) -> None:
    """
    How many announcements each sink got, waits for, or refused.
    """
    from ip_monitor.cli.reading import read  # noqa: PLC0415 # a command pays when it runs

    counts = read(request, lambda storage: storage.count_deliveries())
    if as_json:
        echo_json(
            {sink: {state.value: states.get(state, 0) for state in DeliveryState} for sink, states in counts.items()}
        )
    elif counts:
        head = ("sink", *(state.value for state in DeliveryState))
        rows = [
            (sink, *(str(states.get(state, 0)) for state in DeliveryState)) for sink, states in sorted(counts.items())
        ]
        echo_table(head, rows)
    else:
        click.echo("Nothing was announced yet.")


@command.command()
@settings_options
@click.option("--sink", help="Only what goes to this sink.")
def clear(request: Request, *, sink: str | None) -> None:
    """
    Give up what is still to be sent; it stays on record. Not while a monitor runs.
    """
    now = datetime.now(UTC)
    count = _write(request, lambda storage: storage.clear_pending(at=now, sink=sink))
    click.echo(f"gave up {count} announcements")


@command.command()
@settings_options
@click.option("--sink", help="Only what goes to this sink.")
def retry(request: Request, *, sink: str | None) -> None:
    """
    Make what was refused or waits for its next try due now. Not while a monitor runs.
    """
    now = datetime.now(UTC)
    count = _write(request, lambda storage: storage.retry_failed(at=now, sink=sink))
    click.echo(f"{count} announcements are due now; the next `ip-monitor run` or `check` sends them")


def _write(request: Request, change: Callable[[SQLiteIPStorage], Awaitable[int]]) -> int:
    database = load(request).settings.database

    async def work() -> int:
        from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage  # noqa: PLC0415 # a command pays when it runs

        storage = await SQLiteIPStorage.open(database)
        try:
            return await change(storage)
        finally:
            await storage.close()

    return asyncio.run(work())
