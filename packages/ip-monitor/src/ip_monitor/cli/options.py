"""
The options that every command shares: where the settings come from, and single settings by name.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar, cast

import click

from ip_monitor.settings.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")
"""
Every command has it, so that a program never has to read prose.
"""

P = ParamSpec("P")
R = TypeVar("R")


def settings_options(function: Callable[Concatenate[Request, P], R]) -> Callable[P, R]:
    """
    Give a command `--config`, `--env-file`, `--database` and `--set`, and hand them to it as one `Request`.
    """

    @click.option("--config", metavar="FILE", help="Read this TOML file of settings.")
    @click.option("--env-file", metavar="FILE", default=".env", help="Read this file of variables if it exists (.env).")
    @click.option("--database", metavar="FILE", help="Keep the history in this file.")
    @click.option("--set", "assignments", metavar="NAME=VALUE", multiple=True, help="Set any setting; repeat for more.")
    @functools.wraps(function)
    def with_request(*args: P.args, **kwargs: P.kwargs) -> R:
        config, env_file = kwargs.pop("config"), kwargs.pop("env_file")
        database, assignments = kwargs.pop("database"), kwargs.pop("assignments")
        request = Request(
            environ=dict(os.environ),
            config_file=Path(str(config)) if config else None,
            env_file=Path(str(env_file)) if env_file else None,
            overrides=_overrides(cast("str | None", database), cast("tuple[str, ...]", assignments)),
        )
        return function(request, *args, **kwargs)

    return with_request


def _overrides(database: str | None, assignments: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    overrides: dict[str, tuple[str, str]] = {}
    for assignment in assignments:
        name, mark, value = assignment.partition("=")
        if not mark:
            raise click.BadParameter(f"{name!r} is not of the form NAME=VALUE.", param_hint="--set")
        overrides[name.strip()] = (value, "--set")
    if database is not None:
        overrides["database"] = (database, "--database")
    return overrides
