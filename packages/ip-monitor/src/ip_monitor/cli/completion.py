"""
`ip-monitor completion`: the script that completes words in a shell.
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ip_monitor.cli.options import json_option
from ip_monitor.cli.output import echo_json

SHELLS = ("bash", "fish", "zsh")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@json_option
def command(shell: str, *, as_json: bool) -> None:
    """
    Print what makes SHELL complete commands and options.

    bash: `ip-monitor completion bash >> ~/.bashrc`; zsh the same with ~/.zshrc; fish: into
    ~/.config/fish/completions/ip-monitor.fish.
    """
    from ip_monitor.cli.main import group  # noqa: PLC0415 # it imports this module

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 # click knows the shells above
    script = found(group, {}, "ip-monitor", "_IP_MONITOR_COMPLETE").source()
    if as_json:
        echo_json({"shell": shell, "script": script})
    else:
        click.echo(script)
