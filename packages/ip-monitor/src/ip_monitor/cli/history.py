"""
`ip-monitor history`: the addresses there have been.
"""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ip_monitor.application.change_json import change_as_json
from ip_monitor.cli.options import settings_options
from ip_monitor.cli.output import echo_json, echo_table
from ip_monitor.cli.wording import moment
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.wording import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
    from ip_monitor.domain.changes import Change
    from ip_monitor.settings import Request

_PAGE = 1000
_FAMILIES = {"ipv4": 4, "ipv6": 6}


@click.command()
@settings_options
@click.option("--family", type=click.Choice(sorted(_FAMILIES)), help="Only this kind of address.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many, newest first."
)
@click.option("--all", "everything", is_flag=True, help="All there is.")
@click.option("--json", "style", flag_value="json", help="Write JSON.")
@click.option("--csv", "style", flag_value="csv", help="Write CSV.")
def command(request: Request, *, family: str | None, limit: int, everything: bool, style: str | None) -> None:
    """
    The addresses there have been, newest first. Reads the database without disturbing a monitor that writes it.
    """
    from ip_monitor.cli.reading import read  # noqa: PLC0415 # a command pays when it runs

    changes = read(request, lambda storage: _pages(storage, family=family, limit=None if everything else limit))
    if style == "json":
        echo_json([change_as_json(change) for change in changes])
    elif style == "csv":
        _write_csv(changes)
    elif changes:
        now = datetime.now(UTC)
        head = ("at", "family", "address", "before", "agreed")
        echo_table(head, [_row(change, now=now) for change in changes])
    else:
        click.echo("No address is known yet.")


async def _pages(storage: SQLiteIPStorage, *, family: str | None, limit: int | None) -> list[Change]:
    wanted = None if family is None else Family(_FAMILIES[family])
    found: list[Change] = []
    while limit is None or len(found) < limit:
        size = _PAGE if limit is None else min(_PAGE, limit - len(found))
        before = found[-1].key if found else None
        page = await storage.get_ip_history(family=wanted, limit=size, before=before)
        found += page
        if len(page) < size:
            break
    return found


def _write_csv(changes: Sequence[Change]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("key", "at", "family", "address", "previous", "previous_lasted_s", "operators"))
    for change in changes:
        *values, _, _ = change_as_json(change).values()
        writer.writerow((*values, " ".join(change.operators)))


def _row(change: Change, *, now: datetime) -> tuple[str, ...]:
    before = "first seen" if change.previous is None else str(change.previous)
    if change.previous_lasted_s is not None:
        before += f" for {duration(change.previous_lasted_s)}"
    return moment(change.at, now=now), change.family.label, str(change.address), before, ", ".join(change.operators)
