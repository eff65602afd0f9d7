"""
`ip-monitor backup`: a copy of the database, taken while it is in use.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ip_monitor.cli.options import settings_options
from ip_monitor.settings import StoredSettings, load

if TYPE_CHECKING:
    from ip_monitor.settings import Request


@click.command()
@settings_options
@click.argument("file")
def command(request: Request, *, file: str) -> None:
    """
    Copy the database to FILE, which must not exist yet, and beside it what `config set` changed. A running monitor is
    not disturbed.

    To go back: stop the monitor, and put the copies in the place of the database and its `.settings.jsonl`.
    """
    from ip_monitor.cli.reading import read  # noqa: PLC0415 # a command pays when it runs

    target = Path(file)
    read(request, lambda storage: storage.backup(target))
    click.echo(f"copied to {target}, {target.stat().st_size} bytes")
    settings = StoredSettings(load(request).settings.database).copy_to(target)
    if settings is not None:
        click.echo(f"copied to {settings}, {settings.stat().st_size} bytes")
