"""
`ip-monitor status`: what is known, without asking anybody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ip_monitor.cli.exit_status import ExitStatus, status_of_kind
from ip_monitor.cli.holding_back import HoldingBack
from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json
from ip_monitor.cli.wording import moment
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.verdicts import overall
from ip_monitor.domain.wording import duration, stamp

if TYPE_CHECKING:
    from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.changes import CurrentAddress
    from ip_monitor.settings import Request


# The name under which the running monitor keeps it.
_STANDING = "standing"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """
    What the database tells of one family.
    """

    family: Family
    current: CurrentAddress | None
    ballot: Ballot | None


@click.command()
@settings_options
@json_option
def command(request: Request, *, as_json: bool) -> int:
    """
    Say what is known, from the database alone. Exit status as for `check`, by the last verdict.
    """
    from ip_monitor.cli.reading import read  # noqa: PLC0415 # a command pays when it runs

    pid, known, state = read(request, _look)
    health, holding = _health(state), HoldingBack.told_by(state)
    kinds = [one.ballot.verdict.kind for one in known if one.ballot is not None]
    status = status_of_kind(overall(kinds)) if kinds else ExitStatus.OFFLINE
    if as_json:
        echo_json(
            {
                "exit_status": int(status),
                "monitor_pid": pid,
                "health": health,
                "announcements": holding.as_json(),
                "families": {one.family.label: _as_json(one) for one in known},
            }
        )
    else:
        now = datetime.now(UTC)
        for one in known:
            click.echo(_line(one, now=now))
        for line in (*_trouble(health), *holding.lines()):
            click.echo(line)
        click.echo(f"monitor runs as process {pid}" if pid else "no monitor is running on this database")
    return status


async def _look(storage: SQLiteIPStorage) -> tuple[int | None, list[_Known], dict[str, str]]:
    from ip_monitor.adapters.storage.sqlite.instance_lock import holder  # noqa: PLC0415

    known: list[_Known] = []
    for family in Family:
        ballots = await storage.last_ballots(family=family)
        current = await storage.get_current_ip(family)
        if current is not None or ballots:
            known.append(_Known(family=family, current=current, ballot=ballots[0] if ballots else None))
    return holder(storage.path), known, await storage.load_state()


def _health(state: dict[str, str]) -> dict[str, Any] | None:
    """
    How the services do, as the monitor wrote it down last; None before it did.
    """
    try:
        report: dict[str, Any] = json.loads(state[_STANDING])["report"]
    except (KeyError, ValueError, TypeError):
        return None
    return report


def _trouble(health: dict[str, Any] | None) -> list[str]:
    """
    A line for each service that is not well, and for each that is left alone.
    """
    if health is None:
        return []
    services = [
        f"{name}  {one['level']}: {one['last_error']}"
        for name, one in health["services"].items()
        if one["level"] != "normal"
    ]
    left_alone = [
        f"{name}  left alone after {one['failures_in_a_row']} failures in a row"
        for name, one in health["breakers"].items()
        if one["state"] != "closed"
    ]
    return [*services, *left_alone]


def _line(one: _Known, *, now: datetime) -> str:
    words = [one.family.label]
    if one.current is None:
        words.append("not known")
    else:
        age = duration((now - one.current.since).total_seconds())
        words.append(f"{one.current.address}  since {moment(one.current.since, now=now)} ({age})")
    if one.ballot is not None:
        kind = one.ballot.verdict.kind.value.replace("_", " ")
        ago = duration((now - one.ballot.at).total_seconds())
        words.append(f"{kind} {ago} ago: {one.ballot.verdict.reason}")
    return "  ".join(words)


def _as_json(one: _Known) -> dict[str, Any]:
    current, ballot = one.current, one.ballot
    return {
        "address": None if current is None else str(current.address),
        "since": None if current is None else stamp(current.since),
        "seen_at": None if current is None else stamp(current.seen_at),
        "checked_at": None if ballot is None else stamp(ballot.at),
        "verdict": None if ballot is None else ballot.verdict.kind.value,
        "reason": None if ballot is None else ballot.verdict.reason,
    }
