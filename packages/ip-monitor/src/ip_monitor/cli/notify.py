"""
`ip-monitor notify`: let announcements to people wait.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json

if TYPE_CHECKING:
    from ip_monitor.settings import Request

_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)?")
_UNITS = {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


@click.group()
def command() -> None:
    """
    Let announcements to people wait; programs (log, command, webhook) are told at once all the same. Nothing is dropped.
    """


@command.command()
@settings_options
@click.argument("duration")
@json_option
def mute(request: Request, *, duration: str, as_json: bool) -> None:
    """
    Announce nothing to people for DURATION: 90s, 30min, 2h, 1d, up to 30 days. Holds over a restart.
    """
    match = _FORM.fullmatch(duration.strip().lower())
    if match is None:
        raise click.UsageError(f"{duration!r} is no duration; write it as 90s, 30min, 2h or 1d.")
    _show(_act(request, "mute", for_s=float(match[1]) * _UNITS[match[2]]), as_json=as_json)


@command.command()
@settings_options
@json_option
def unmute(request: Request, *, as_json: bool) -> None:
    """
    Announce what waited.
    """
    _show(_act(request, "unmute"), as_json=as_json)


def _act(request: Request, what: str, **arguments: Any) -> Any:
    from ip_monitor.cli.acting import act  # noqa: PLC0415 # a command pays when it runs

    return act(request, f"notify.{what}", **arguments)


def _show(status: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        echo_json(status)
    elif status["muted_until"] is not None:
        until = datetime.fromisoformat(status["muted_until"]).astimezone()
        click.echo(f"announcements to people wait until {until:%Y-%m-%d %H:%M:%S}")
    else:
        hours = f", except in the quiet hours {status['hours']}" if status["hours"] else ""
        click.echo(f"announcements are sent{hours}")
