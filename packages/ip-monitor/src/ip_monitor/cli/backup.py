"""
`ip-monitor backup`: a copy of the database, taken while it is in use.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ip_monitor.cli.options import settings_options

if TYPE_CHECKING:
    from ip_monitor.settings import Request


@click.command()
@settings_options
@click.argument("file")
def command(request: Request, *, file: str) -> None:
    """
    Copy the database to FILE, which must not exist yet. A running monitor is not disturbed.

    To go back: stop the monitor, and put the copy in the place of the database.
    """
    from ip_monitor.cli.reading import read  # noqa: PLC0415 # a command pays when it runs

    target = Path(file)
    read(request, lambda storage: storage.backup(target))
    click.echo(f"copied to {target}, {target.stat().st_size} bytes")
