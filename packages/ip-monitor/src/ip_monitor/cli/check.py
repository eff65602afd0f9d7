"""
`ip-monitor check`: ask once.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import click

from ip_monitor.application.ballot_json import ballot_as_json
from ip_monitor.cli.exit_status import ExitStatus, status_of_kind
from ip_monitor.cli.options import settings_options
from ip_monitor.cli.output import echo_json
from ip_monitor.domain.wording import stamp
from ip_monitor.settings import Reading

if TYPE_CHECKING:
    from ip_monitor.domain.addresses import Family
    from ip_monitor.domain.checks import Check
    from ip_monitor.domain.translation import Translation
    from ip_monitor.settings import Request, Settings


@click.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Write JSON, with every provider's answer.")
def command(request: Request, *, as_json: bool) -> int:
    """
    Ask once and say what the public address is.

    Exit status: 0 known, 3 disputed, 4 offline, 5 captive portal, 6 several addresses. A change is written down and
    announced, as `run` does. While a monitor runs on the same database, this only looks.
    """
    reading = Reading(request)
    from ip_monitor.cli.session import package_log  # noqa: PLC0415 # imported while the settings are read

    settings = reading.result().settings
    with package_log(logging.NullHandler()):
        check, between = asyncio.run(_check(settings))
    status = status_of(check)
    if as_json:
        shown = check_as_json(check, status)
        for family, translation in between.items():
            shown["families"][family.label]["translation"] = {
                "kind": translation.kind.value,
                "local": None if translation.local is None else str(translation.local),
                "router": None if translation.router is None else str(translation.router),
                "reason": translation.reason,
            }
        echo_json(shown)
    else:
        for ballot in check.ballots:
            address = "none" if ballot.verdict.address is None else str(ballot.verdict.address)
            kind = ballot.verdict.kind.value.replace("_", " ")
            click.echo(f"{ballot.family.label}  {address:<15}  {kind}: {ballot.verdict.reason}")
        for family, translation in between.items():
            if translation.kind.is_remarkable:
                click.echo(f"{family.label}  {translation.kind.value.replace('_', ' ')}: {translation.reason}")
        for family in check.unconfirmed:
            click.echo(f"{family.label}  a new address was seen once and not confirmed; ask again")
        if status is ExitStatus.OFFLINE:
            click.echo("No provider can be reached. To see the product work without internet: ip-monitor simulate")
    return status


async def _check(settings: Settings) -> tuple[Check, dict[Family, Translation]]:
    from ip_monitor.adapters.storage.sqlite import DatabaseInUseError  # noqa: PLC0415
    from ip_monitor.bootstrap import assemble  # noqa: PLC0415
    from ip_monitor.bootstrap.older import older_places  # noqa: PLC0415
    from ip_monitor.bootstrap.translating import translations  # noqa: PLC0415

    try:
        async with assemble(settings, older=older_places(settings)) as application:
            check = await application.check_once()
            return check, await translations(check, via=application.settings.via)
    except DatabaseInUseError:
        async with assemble(settings, only_look=True) as application:
            check = await application.check_once()
            return check, await translations(check, via=application.settings.via)


def status_of(check: Check) -> ExitStatus:
    """
    The exit status that a check's outcome has. A new address that was not confirmed is not known yet.
    """
    return ExitStatus.DISPUTED if check.unconfirmed else status_of_kind(check.kind)


def check_as_json(check: Check, status: ExitStatus) -> dict[str, Any]:
    return {
        "verdict": check.kind.value,
        "exit_status": int(status),
        "started_at": stamp(check.started_at),
        "finished_at": stamp(check.finished_at),
        "families": {ballot.family.label: ballot_as_json(ballot) for ballot in check.ballots},
        "changes": [change.key for change in check.changes],
        "unconfirmed": [family.label for family in check.unconfirmed],
    }
