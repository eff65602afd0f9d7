"""
`ip-monitor cache`: what a running monitor remembers for a few seconds, so that many who ask at once do not ask the world
many times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json, echo_table

if TYPE_CHECKING:
    from ip_monitor.settings import Request


@click.group()
def command() -> None:
    """
    What a running monitor remembers for a few seconds. Exit status 1 when none runs.
    """


@command.command()
@settings_options
@json_option
def show(request: Request, *, as_json: bool) -> None:
    """
    Each entry with its age.
    """
    entries = _ask(request, "show")
    if as_json:
        echo_json(entries)
    elif entries:
        rows = [(one["namespace"], one["key"], f"{one['age_s']:.1f} s", one["value"]) for one in entries]
        echo_table(("namespace", "key", "age", "value"), rows)
    else:
        click.echo("Nothing is remembered.")


@command.command()
@settings_options
@json_option
def stats(request: Request, *, as_json: bool) -> None:
    """
    Hits, misses, loads and size since the start.
    """
    numbers: dict[str, int] = _ask(request, "statistics")
    if as_json:
        echo_json(numbers)
    else:
        echo_table(("what", "count"), [(name.replace("_", " "), str(count)) for name, count in numbers.items()])


@command.command()
@settings_options
@click.option("--namespace", help="Only this one.")
@json_option
def clear(request: Request, *, namespace: str | None, as_json: bool) -> None:
    """
    Forget everything.
    """
    _tell_count(_ask(request, "clear", namespace=namespace), as_json=as_json)


@command.command()
@settings_options
@json_option
def cleanup(request: Request, *, as_json: bool) -> None:
    """
    Forget what is too old to be given.
    """
    _tell_count(_ask(request, "cleanup"), as_json=as_json)


@command.command()
@settings_options
@json_option
def refresh(request: Request, *, as_json: bool) -> None:
    """
    Make the monitor ask the world now, whatever it remembers.
    """
    check = _ask(request, "refresh")
    if as_json:
        echo_json(check)
        return
    for ballot in check["ballots"]:
        verdict = ballot["verdict"]
        click.echo(f"{ballot['family']}  {verdict['address'] or 'none'}  {verdict['kind'].replace('_', ' ')}")


def _ask(request: Request, what: str, **arguments: Any) -> Any:
    from ip_monitor.cli.acting import act  # noqa: PLC0415 # a command pays when it runs

    return act(request, f"cache.{what}", running_only=True, **arguments)


def _tell_count(count: int, *, as_json: bool) -> None:
    if as_json:
        echo_json({"removed": count})
    else:
        click.echo(f"forgot {count} {'entry' if count == 1 else 'entries'}")
