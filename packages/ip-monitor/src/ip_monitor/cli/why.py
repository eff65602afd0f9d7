"""
`ip-monitor why`: the ballots behind a verdict or a change.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ip_monitor.application.ballot_json import ballot_as_json
from ip_monitor.application.change_json import change_as_json
from ip_monitor.cli.options import settings_options
from ip_monitor.cli.output import echo_json, echo_table
from ip_monitor.cli.wording import moment
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
    from ip_monitor.domain.ballots import Ballot, Vote
    from ip_monitor.domain.changes import Change
    from ip_monitor.settings import Request

_PAGE = 1000


@click.command()
@settings_options
@click.argument("change", required=False)
@click.option("--json", "as_json", is_flag=True, help="Write JSON, with every answer and its evidence.")
def command(request: Request, *, change: str | None, as_json: bool) -> None:
    """
    Explain the last verdict of each family, or the CHANGE with this key (its beginning is enough; `last` is the newest).
    """
    from ip_monitor.cli.reading import read  # noqa: PLC0415 # a command pays when it runs

    if change is None:
        ballots = read(request, _last)
        told = None
    else:
        told, ballots = read(request, lambda storage: _of_change(storage, change))
    if as_json:
        echo_json(
            {
                "change": None if told is None else change_as_json(told),
                "ballots": [ballot_as_json(ballot) for ballot in ballots],
            }
        )
        return
    if told is not None:
        click.echo(f"{sentence(told)}\n")
    for ballot in ballots:
        _explain(ballot)
    if not ballots:
        click.echo("No check was recorded yet.")


async def _last(storage: SQLiteIPStorage) -> Sequence[Ballot]:
    found = [await storage.last_ballots(family=family) for family in Family]
    return [ballot for ballots in found for ballot in ballots]


async def _of_change(storage: SQLiteIPStorage, key: str) -> tuple[Change, Sequence[Ballot]]:
    from ip_monitor.application.admin.errors import ChangeUnknownError  # noqa: PLC0415 # a command pays when it runs

    found: list[Change] = []
    if key == "last":
        found += await storage.get_ip_history(limit=1)
    else:
        page = await storage.get_ip_history(limit=_PAGE)
        while page:
            found += [change for change in page if change.key.startswith(key)]
            page = await storage.get_ip_history(limit=_PAGE, before=page[-1].key)
    if len(found) != 1:
        raise ChangeUnknownError(key, len(found))
    return found[0], await storage.ballots_of(found[0].key)


def _explain(ballot: Ballot) -> None:
    verdict = ballot.verdict
    when = moment(ballot.at, now=datetime.now(UTC))
    before = "nothing" if ballot.previous is None else str(ballot.previous)
    kind = verdict.kind.value.replace("_", " ")
    click.echo(f"{ballot.family.label} at {when}: {kind}. {verdict.reason}; known before: {before}.")
    if verdict.address is not None:
        click.echo(f"Weight behind it {verdict.support:g} of {verdict.total:g}; a change needs more than half.")
    rows = [_vote_row(vote, ballot) for vote in ballot.votes]
    if rows:
        echo_table(("operator", "vote", "weight", "latency", "because"), rows)
    click.echo()


def _vote_row(vote: Vote, ballot: Ballot) -> tuple[str, ...]:
    latencies = [answer.latency_s for answer in ballot.answers if answer.source.operator == vote.operator]
    latency = f"{min(latencies) * 1000:.0f} ms" if latencies else ""
    said = "silent" if vote.address is None else str(vote.address)
    because = f"told by {vote.why}" if vote.address is not None else vote.why
    return vote.operator, said, f"{vote.weight:g}", latency, because
