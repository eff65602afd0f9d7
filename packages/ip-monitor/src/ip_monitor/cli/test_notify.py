"""
`ip-monitor test-notify`: one announcement to every sink, to see that it arrives.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import click

from ip_monitor.cli.exit_status import ExitStatus
from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json
from ip_monitor.settings import load_here

if TYPE_CHECKING:
    from ip_monitor.domain.notices import Notice
    from ip_monitor.settings import Request, Settings

# Set aside for documentation (RFC 5737), so nobody has it and no receiver can take the test for news.
_NOBODYS_ADDRESS = IPv4Address("192.0.2.1")
_PATIENCE_S = 15.0


@click.command()
@settings_options
@json_option
def command(request: Request, *, as_json: bool) -> int:
    """
    Announce a test to every sink that the settings name. It tells of 192.0.2.1, an address that nobody has, and is
    neither recorded nor repeated. Exit status 1 if one sink did not take it.
    """
    results = asyncio.run(_send(load_here(request).settings))
    if as_json:
        echo_json({sink: {"delivered": wrong is None, "why": wrong} for sink, wrong in results.items()})
    for sink, wrong in () if as_json else results.items():
        click.echo(f"{sink}: {'delivered' if wrong is None else wrong}")
    if not results and not as_json:
        click.echo("No sink is set but the log: discord_webhook, webhook, command, smtp_url and apprise are all empty.")
    return ExitStatus.FAILED if any(results.values()) else ExitStatus.OK


async def _send(settings: Settings) -> dict[str, str | None]:
    from ip_monitor.application.ports import DeliveryFailedError  # noqa: PLC0415 # a command pays when it runs
    from ip_monitor.bootstrap.sinks import notifiers_for  # noqa: PLC0415
    from ip_monitor.cli.session import package_log  # noqa: PLC0415
    from ip_monitor.resilience.clock import SystemClock  # noqa: PLC0415

    results: dict[str, str | None] = {}
    with package_log(logging.NullHandler()):
        for notifier in notifiers_for(settings, clock=SystemClock()):
            if notifier.name == "log":
                continue
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await notifier.send(_notice(notifier.name))
                results[notifier.name] = None
            except DeliveryFailedError as error:
                results[notifier.name] = error.reason
            except TimeoutError:
                results[notifier.name] = f"did not acknowledge within {_PATIENCE_S:g} s"
            finally:
                await notifier.aclose()
    return results


def _notice(sink: str) -> Notice:
    from ip_monitor.domain.changes import Change  # noqa: PLC0415
    from ip_monitor.domain.notices import Notice, notice_key  # noqa: PLC0415

    now = datetime.now(UTC)
    change = Change(
        key=f"test-{secrets.token_hex(4)}", address=_NOBODYS_ADDRESS, previous=None, at=now, operators=("a test",)
    )
    return Notice(key=notice_key(change.key, sink), sink=sink, change=change, attempts=0, created_at=now, due_at=now)
