"""
`ip-monitor config`: which settings there are, what they are now, and where each value came from.
"""

from __future__ import annotations

import os
import signal
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ip_monitor.cli.acting import VIA, NoMonitorError, user
from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json, echo_table
from ip_monitor.domain.audit import Actor
from ip_monitor.settings import (
    CustomProvider,
    Settings,
    StoredSettings,
    as_toml_text,
    change_setting,
    load_here,
    options,
)
from ip_monitor.settings.text import as_text, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.settings import Loaded, Option, Request


@click.group()
def command() -> None:
    """
    The settings. A later source hides what an earlier one says: default, TOML file, `config set`,
    secret file, `.env`, environment, command line.
    """


@command.command(name="list")
@click.option("--json", "style", flag_value="json", help="Write JSON.")
@click.option("--markdown", "style", flag_value="markdown", help="Write the tables of the documentation.")
def list_settings(*, style: str | None) -> None:
    """
    Every setting with its type, range, default and meaning.
    """
    known = list(options(Settings))
    if style == "json":
        echo_json([_described(option) for option in known])
        return
    if style == "markdown":
        click.echo(_markdown(known, head="setting"))
        click.echo("\nEach `[[providers]]` table:\n")
        click.echo(_markdown(list(options(CustomProvider)), head="key"))
        return
    for one in known:
        live = "applies live" if one.live else "needs a restart"
        click.echo(f"{one.name}\n    {one.text}")
        click.echo(f"    Takes {one.allowed}; default: {one.shown_default}; {live}.")


@command.command()
@settings_options
@json_option
def show(request: Request, *, as_json: bool) -> None:
    """
    The value of every setting, and the file, variable or option it came from. Secrets stay hidden.
    """
    loaded = load_here(request)
    values = {option.name: getattr(loaded.settings, option.name) for option in options(Settings)}
    if as_json:
        echo_json({name: {"value": plain(value), "from": loaded.origins[name].where} for name, value in values.items()})
        return
    rows = [(name, as_text(value) or "none", loaded.origins[name].where) for name, value in values.items()]
    echo_table(("setting", "value", "from"), rows)


@command.command(name="set")
@settings_options
@click.argument("name")
@click.argument("value")
@json_option
def set_setting(request: Request, *, name: str, value: str, as_json: bool) -> None:
    """
    Change a setting for this run and those to come. A running monitor takes it over at once, if the setting applies
    live. Kept beside the database, with who, when, from and to.
    """
    loaded = change_setting(request, name, value, who=_who(), at=datetime.now(UTC))
    _tell(name, loaded, as_json=as_json)


@command.command()
@settings_options
@click.argument("name")
@json_option
def unset(request: Request, *, name: str, as_json: bool) -> None:
    """
    Take a change back: the setting is again what the files and variables say.
    """
    loaded = change_setting(request, name, None, who=_who(), at=datetime.now(UTC))
    _tell(name, loaded, as_json=as_json)


@command.command()
@settings_options
@json_option
def audit(request: Request, *, as_json: bool) -> None:
    """
    Who changed what and when, newest first.
    """
    changes = StoredSettings(load_here(request).settings.database).changes()[::-1]
    if as_json:
        echo_json([asdict(change) for change in changes])
    elif changes:
        rows = [(one.at, one.who, one.name, one.before or "none", one.after or "unset") for one in changes]
        echo_table(("at", "who", "setting", "from", "to"), rows)
    else:
        click.echo("Nothing was changed.")


@command.command()
@settings_options
@json_option
def reload(request: Request, *, as_json: bool) -> None:
    """
    Make the running monitor read its settings again, as SIGHUP does.
    """
    pid = _signal_monitor(load_here(request))
    if pid is None:
        raise NoMonitorError(load_here(request).settings.database, "Changes are read when one starts.")
    if as_json:
        echo_json({"process": pid})
    else:
        click.echo(f"told process {pid} to read its settings again")


@command.command()
@settings_options
@click.argument("file", required=False, metavar="[FILE]")
@json_option
def save(request: Request, *, file: str | None, as_json: bool) -> None:
    """
    Write the settings as they are now as TOML, to FILE (which must not exist) or standard output. Secrets are left
    out, and what has its default value stands there as a comment.
    """
    loaded = load_here(request)
    text = as_toml_text(loaded)
    if file is None:
        if as_json:
            echo_json({"file": None, "toml": text})
        else:
            click.echo(text, nl=False)
        return
    try:
        with Path(file).open("x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError as error:
        raise click.UsageError(f"{file} exists; name another file, or move that one away.") from error
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}.") from error
    if as_json:
        echo_json({"file": file, "toml": text})
    else:
        click.echo(f"written to {file}")


def _who() -> str:
    return str(Actor(name=user(), via=VIA))


def _signal_monitor(loaded: Loaded) -> int | None:
    from ip_monitor.adapters.storage.sqlite.instance_lock import holder  # noqa: PLC0415 # a command pays when it runs

    pid = holder(loaded.settings.database)
    if pid is not None:
        os.kill(pid, signal.SIGHUP)
    return pid


def _tell(name: str, loaded: Loaded, *, as_json: bool) -> None:
    value, where = getattr(loaded.settings, name), loaded.origins[name].where
    option = next(option for option in options(Settings) if option.name == name)
    pid = _signal_monitor(loaded)
    if as_json:
        applies = "at the next start" if pid is None or not option.live else "now"
        echo_json({"name": name, "value": plain(value), "from": where, "process": pid, "applies": applies})
        return
    click.echo(f"{name} = {as_text(value) or 'none'} (from {where})")
    if pid is not None and option.live:
        click.echo(f"process {pid} takes it over now")
    elif pid is not None:
        click.echo(f"it applies when process {pid} is started again")


def _markdown(known: Sequence[Option], *, head: str) -> str:
    rows = [(head, "takes", "default", "meaning"), ("---", "---", "---", "---")]
    for one in known:
        live = "" if head == "key" or one.live else " Needs a restart."
        rows.append((f"`{one.name}`", one.allowed, one.shown_default, one.text + live))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _described(option: Option) -> dict[str, Any]:
    return {
        "name": option.name,
        "variable": option.variable,
        "type": option.kind,
        "minimum": option.minimum,
        "maximum": option.maximum,
        "choices": list(option.choices) or None,
        "unit": option.unit,
        "default": option.shown_default,
        "applies_live": option.live,
        "is_secret": option.secret,
        "description": option.text,
    }
