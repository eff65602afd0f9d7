"""
`ip-monitor import`: take up the history of an older program, or what `history --all --json` wrote.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ip_monitor.bootstrap.older import HISTORY_NAME, LAST_NAME
from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json
from ip_monitor.settings import load_here

if TYPE_CHECKING:
    from ip_monitor.settings import Request, Settings


@click.command(name="import")
@settings_options
@click.argument("directory", required=False, metavar="[DIRECTORY]")
@click.option("--last-ip", metavar="FILE", help="The older program's last address.")
@click.option("--history", metavar="FILE", help="Its history, or what `history --all --json` wrote.")
@json_option
def command(
    request: Request, *, directory: str | None, last_ip: str | None, history: str | None, as_json: bool
) -> None:
    """
    Take up last_ip.json and ip_history.json of an older program, from DIRECTORY or by name, once: only into a database
    that knows no address yet. Announces nothing. Files that cannot be read change nothing.
    """
    for option, name in (("--last-ip", last_ip), ("--history", history)):
        if name and not Path(name).is_file():
            kind = "is no file" if Path(name).exists() else "does not exist"
            raise click.UsageError(f"{option}: {name} {kind}. Name a file that the older program wrote.")
    last_file = Path(last_ip) if last_ip else None
    history_file = Path(history) if history else None
    if directory is not None:
        last_file = last_file or Path(directory) / LAST_NAME
        history_file = history_file or Path(directory) / HISTORY_NAME
    if not any(file is not None and file.exists() for file in (last_file, history_file)):
        where = f"in {directory}" if directory is not None else "to take up"
        raise click.UsageError(
            f"There is no {LAST_NAME} and no {HISTORY_NAME} {where}. Name a directory that has one, or the files."
        )
    count, is_empty = asyncio.run(_take(load_here(request).settings, last_file, history_file))
    if as_json:
        echo_json({"imported": count})
    elif count:
        click.echo("took up 1 change" if count == 1 else f"took up {count} changes")
    else:
        why = "the files hold no address" if is_empty else "the database knows addresses already"
        click.echo(f"took up nothing: {why}")


async def _take(settings: Settings, last_ip: Path | None, history: Path | None) -> tuple[int, bool]:
    """
    How many changes were taken, and whether the database still knows none.
    """
    from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage  # noqa: PLC0415 # a command pays when it runs
    from ip_monitor.domain.addresses import AddressPolicy  # noqa: PLC0415

    storage = await SQLiteIPStorage.open(settings.database)
    try:
        policy = AddressPolicy(settings.public_ranges)
        count = await storage.import_legacy(last_ip=last_ip, history=history, policy=policy)
        return count, not await storage.count_changes()
    finally:
        await storage.close()
