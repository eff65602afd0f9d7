"""
`ip-monitor config`: which settings there are, what they are now, and where each value came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ip_monitor.cli.options import settings_options
from ip_monitor.cli.output import echo_json, echo_table
from ip_monitor.settings import Secret, Settings, load, options

if TYPE_CHECKING:
    from ip_monitor.settings import Option, Request


@click.group()
def command() -> None:
    """
    The settings. A later source hides what an earlier one says: default, TOML file, secret file, `.env`,
    environment, command line.
    """


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def list_settings(*, as_json: bool) -> None:
    """
    Every setting with its type, range, default and meaning.
    """
    known = list(options(Settings))
    if as_json:
        echo_json([_described(option) for option in known])
        return
    for one in known:
        live = "applies live" if one.live else "needs a restart"
        click.echo(f"{one.name}\n    {one.text}")
        click.echo(f"    Takes {one.allowed}; default: {one.shown_default}; {live}.")


@command.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def show(request: Request, *, as_json: bool) -> None:
    """
    The value of every setting, and the file, variable or option it came from. Secrets stay hidden.
    """
    loaded = load(request)
    rows = [
        (option.name, _plain(getattr(loaded.settings, option.name)), loaded.origins[option.name].where)
        for option in options(Settings)
    ]
    if as_json:
        echo_json({name: {"value": value, "from": where} for name, value, where in rows})
        return
    echo_table(("setting", "value", "from"), [(name, _text(value), where) for name, value, where in rows])


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


def _plain(value: Any) -> Any:
    """
    A setting's value as JSON can hold it.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Secret():
            return str(value)
        case [*items]:
            return [_plain(item) for item in items]
        case _ if hasattr(value, "shown_url"):
            return f"{value.name} {value.shown_url}"
        case _:
            return str(value)


def _text(value: Any) -> str:
    match value:
        case None | []:
            return "none"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case [*items]:
            return ", ".join(str(item) for item in items)
        case _:
            return str(value)
