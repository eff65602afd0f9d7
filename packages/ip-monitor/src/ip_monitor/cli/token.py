"""
`ip-monitor token`: a new token for signing in on the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json
from ip_monitor.settings import load_here

if TYPE_CHECKING:
    from ip_monitor.settings import Request


@click.command()
@settings_options
@json_option
def command(request: Request, *, as_json: bool) -> None:
    """
    Make a new token for signing in on the page, and print it: only its hash is kept. The old one does not count any more,
    and who signed in with it is signed out. A running monitor takes it over at once.
    """
    from ip_monitor.bootstrap.web import renew_token  # noqa: PLC0415 # a command pays when it runs

    token = renew_token(load_here(request).settings.database)
    if as_json:
        echo_json({"token": token})
    else:
        click.echo(token)
