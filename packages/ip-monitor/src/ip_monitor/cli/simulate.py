"""
`ip-monitor simulate`: the product at work, offline.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ip_monitor.cli.exit_status import ExitStatus
from ip_monitor.cli.options import json_option
from ip_monitor.errors import IPMonitorError
from ip_monitor.settings.place import Place

if TYPE_CHECKING:
    from ip_monitor.simulate import Report

_DEFAULT_NAME = "simulation.sqlite3"


class SimulationMissingError(IPMonitorError, ImportError):
    """
    The part that plays the internet is not installed.
    """

    def __str__(self) -> str:
        return 'the simulation needs its extra. Install it: pip install "ip-monitor[simulate]"'


class DatabaseKeptError(IPMonitorError, ValueError):
    """
    A simulation does not write into a history that exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(path)

    def __str__(self) -> str:
        return f"--database {self.path} exists, and a simulation writes only into a new file. Name another one."


@click.command()
@click.option("--seconds", type=click.FloatRange(2, 86_400), default=30.0, show_default=True, help="How long.")
@click.option("--speed", type=click.FloatRange(0.1, 4), default=1.0, show_default=True, help="How fast all goes.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed plays the same addresses.")
@click.option("--database", metavar="FILE", help="Write the history into this new file, and keep it.")
@click.option("--discord", is_flag=True, help="With the bot, in a simulated Discord.")
@click.option("--web", metavar="ADDRESS:PORT", help="With the page there, such as 127.0.0.1:8787.")
@click.option("--plain", is_flag=True, help="Write log lines on a terminal too.")
@json_option
def command(
    *,
    seconds: float,
    speed: float,
    seed: int,
    database: str | None,
    discord: bool,
    web: str | None,
    plain: bool,
    as_json: bool,
) -> int:
    """
    Watch a simulated internet for a while: several providers, of which one lies, one is slow and one fails, and an
    address that changes every few seconds. Everything runs in this process, on loopback.

    Exit status 0 if every change was announced exactly once, else 1. With --json each line is an object, and the last one
    is the report.
    """
    from ip_monitor.cli import session  # noqa: PLC0415 # a command pays when it runs

    session.stop_quietly_on_signals()
    page = "" if web is None else str(Place.parse(web))
    path = _new_database(database)
    try:
        importlib.import_module("ip_monitor.simulate")
        if discord:
            from ip_monitor.bootstrap.discord import import_library  # noqa: PLC0415

            # Before the clock of the simulation starts.
            importlib.import_module("ip_monitor.testing.discord")
            import_library()
    except ImportError as error:
        if (error.name or "").partition(".")[0] in {"hermetic", "httptools", "jsonschema"}:
            raise SimulationMissingError from error
        raise
    style: Literal["text", "json"] = "json" if as_json else "text"
    plain |= as_json
    report = asyncio.run(
        _play(path, seconds=seconds, speed=speed, seed=seed, discord=discord, page=page, plain=plain, style=style)
    )
    if as_json:
        shown = {"event": "report", "is_clean": report.is_clean, "database": str(path), **asdict(report)}
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        click.echo(f"\n{report}\nThe history: ip-monitor history --database {path}")
    return ExitStatus.OK if report.is_clean else ExitStatus.FAILED


def _new_database(given: str | None) -> Path:
    from ip_monitor.settings.locations import state_directory  # noqa: PLC0415

    if given is not None:
        path = Path(given)
        if path.exists():
            raise DatabaseKeptError(path)
        return path
    # The simulation's own file, begun anew each time, far from the real one.
    path = state_directory(os.environ) / _DEFAULT_NAME
    for suffix in ("", "-wal", "-shm", ".web-token"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return path


async def _play(
    path: Path,
    *,
    seconds: float,
    speed: float,
    seed: int,
    discord: bool,
    page: str,
    plain: bool,
    style: Literal["text", "json"],
) -> Report:
    from ip_monitor.cli import session, views  # noqa: PLC0415
    from ip_monitor.cli.run import prepare_page  # noqa: PLC0415
    from ip_monitor.simulate import Referee, open_internet  # noqa: PLC0415

    note = f"A simulation of {seconds:g} s: 'liar' lies, 'slow' is slow, 'failing' fails. Ctrl-C stops."
    async with open_internet(speed=speed, seed=seed, discord=discord) as internet:
        referee = Referee(internet)
        settings = replace(internet.settings(path), web=page, log_format=style)
        board = prepare_page(settings)
        with views.open_view(settings, plain=plain, title="IP Monitor, simulated", note=note, tail=board) as view:
            await session.watch(
                settings,
                picture=view.picture,
                observers=[view.observer, referee],
                refresh=view.refresh,
                specs=internet.specs(),
                make_connector=internet.discord.connector if internet.discord else None,
                beside=partial(internet.live, referee, seconds=seconds),
                board=board,
            )
        return referee.report()
