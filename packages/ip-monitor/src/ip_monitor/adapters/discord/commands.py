"""
Every command there is, in the order of the help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord.handlers import (
    api,
    cache,
    config,
    help,  # noqa: A004 # a module is named after its command
    history,
    ip,
    notify,
    queue,
    status,
    stop,
    sync,
    why,
)

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.command import Command

COMMANDS: tuple[Command, ...] = tuple(
    command
    for module in (ip, history, status, why, help, config, api, cache, queue, notify, stop, sync)
    for command in module.COMMANDS
)


def by_name() -> dict[str, Command]:
    """
    Commands by their words.
    """
    return {command.name: command for command in COMMANDS}
