"""
`ip-monitor backup`: a copy of the database, taken while it is in use.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json
from ip_monitor.settings import StoredSettings, load_here

if TYPE_CHECKING:
    from ip_monitor.settings import Request


@click.command()
@settings_options
@click.argument("file")
@json_option
def command(request: Request, *, file: str, as_json: bool) -> None:
    """
    Copy the database to FILE, which must not exist yet, and beside it what `config set` changed. A running monitor is
    not disturbed.

    To go back: stop the monitor, and put the copies in the place of the database and its `.settings.jsonl`.
    """
    from ip_monitor.cli.reading import read  # noqa: PLC0415 # a command pays when it runs

    target = Path(file)
    read(request, lambda storage: storage.backup(target))
    settings = StoredSettings(load_here(request).settings.database).copy_to(target)
    copies = {"database": target, "settings": settings}
    if as_json:
        echo_json({what: None if copy is None else _described(copy) for what, copy in copies.items()})
        return
    for copy in (one for one in copies.values() if one is not None):
        click.echo(f"copied to {copy}, {copy.stat().st_size} bytes")


def _described(copy: Path) -> dict[str, object]:
    return {"file": str(copy), "size_bytes": copy.stat().st_size}
