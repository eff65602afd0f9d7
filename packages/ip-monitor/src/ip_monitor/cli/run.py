"""
`ip-monitor run`: watch the address until stopped.
"""

from __future__ import annotations

import asyncio
import gc
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.settings import Reading

if TYPE_CHECKING:
    from ip_monitor.adapters.web.board import Board
    from ip_monitor.settings import Request, Settings


@click.command()
@settings_options
@click.option("--web", metavar="ADDRESS:PORT", help="Serve the page there, such as 127.0.0.1:8787.")
@click.option("--plain", is_flag=True, help="Write log lines on a terminal too.")
@click.option(
    "--start-anew", is_flag=True, help="If the database is damaged, keep it under another name and begin a new one."
)
@json_option
def command(request: Request, *, web: str | None, plain: bool, start_anew: bool, as_json: bool) -> None:
    """
    Watch the address until stopped (Ctrl-C or SIGTERM).

    Needs no configuration. Asks as many providers as can decide, and more where they cannot, takes what a majority of
    them says, asks a second time before it believes a change, writes it down and announces it. SIGUSR1 makes it check
    now. With --json each line of the log is an object.
    """
    if as_json:
        plain, request = True, replace(request, overrides={**request.overrides, "log_format": ("json", "--json")})
    if web is not None:
        request = replace(request, overrides={**request.overrides, "web": (web, "--web")})
    reading = Reading(request)
    # While the other process reads the settings, this one imports what the work needs.
    from ip_monitor.bootstrap.discord import hurry_if_likely  # noqa: PLC0415
    from ip_monitor.cli import session, views  # noqa: PLC0415

    session.stop_quietly_on_signals()
    hurry_if_likely(request)
    settings = reading.result().settings
    board = prepare_page(settings)
    note = f"Ctrl-C stops.  {settings.database}" + (f"  page http://{settings.web}/" if settings.web else "")
    # What was imported stays to the end. Walking through it, a full collection would hold the loop for 30 ms with the bot's
    # library, and every check and answer that falls into that time; without it, for a hundredth of that.
    gc.freeze()
    with views.open_view(settings, plain=plain, title="IP Monitor", note=note, tail=board) as view:
        asyncio.run(
            session.watch(
                settings,
                picture=view.picture,
                observers=[view.observer],
                refresh=view.refresh,
                start_anew=start_anew,
                request=request,
                board=board,
            )
        )


def prepare_page(settings: Settings) -> Board | None:
    """
    What the page will see; None where the settings ask for no page. A first token is printed, once and for all.
    """
    if not settings.web:
        return None
    from ip_monitor.bootstrap.web import first_token, new_board  # noqa: PLC0415 # most runs have no page

    board = new_board()
    token = first_token(settings.database)
    if token is not None and settings.log_format == "json":
        click.echo(
            json.dumps({"event": "the page's token, shown only now; a new one: ip-monitor token", "token": token})
        )
    elif token is not None:
        click.echo(f"The page's token, shown only now: {token}\nA new one: ip-monitor token")
    return board
