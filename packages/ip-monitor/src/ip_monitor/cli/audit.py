"""
`ip-monitor audit`: who did what to the monitor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json, echo_table
from ip_monitor.domain.wording import stamp

if TYPE_CHECKING:
    from ip_monitor.domain.audit import AuditEntry
    from ip_monitor.settings import Request


@click.command()
@settings_options
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@json_option
def command(request: Request, *, limit: int, as_json: bool) -> None:
    """
    Who did what, by which way, from what to what, newest first; also what was refused. Settings that were changed while
    no monitor ran are in `ip-monitor config audit`.
    """
    from ip_monitor.application.admin.plain import as_plain  # noqa: PLC0415 # a command pays when it runs
    from ip_monitor.cli.reading import read  # noqa: PLC0415

    entries = read(request, lambda storage: storage.list_audit(limit=limit))
    if as_json:
        echo_json(as_plain(list(entries)))
    elif entries:
        echo_table(("at", "who", "did", "to", "what"), [_row(entry) for entry in entries])
    else:
        click.echo("Nothing was done by hand yet.")


def _row(entry: AuditEntry) -> tuple[str, ...]:
    if entry.refused:
        what = f"refused: {entry.refused}"
    else:
        what = f"{entry.before} → {entry.after or 'none'}" if entry.before else entry.after
    return stamp(entry.at), f"{entry.who} ({entry.via})", entry.action, entry.subject, what
