"""
The `hermetic` command.
"""

from __future__ import annotations

import sys

import click

from hermetic._version import __version__


@click.group()
@click.version_option(__version__, prog_name="hermetic")
def main() -> None:
    """
    Makes asynchronous integration tests trustworthy.
    """


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--restarts", type=click.IntRange(0), default=50, show_default=True, help="How many processes may be lost."
)
@click.option(
    "--exit-seconds",
    type=click.FloatRange(0.1),
    default=30.0,
    show_default=True,
    help="How long a process may take to end after pytest has finished.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGUMENTS]...")
def run(restarts: int, exit_seconds: float, arguments: tuple[str, ...]) -> None:
    """
    Run pytest under a parent that starts it again for the tests that are left when its process is lost.

    Arguments go to pytest. The exit status is pytest's own; 1 if any test failed or was lost in any of the processes.
    """
    from hermetic.runs.supervisor import Supervisor, summary  # noqa: PLC0415 - other commands do not need it

    account = Supervisor(arguments, restarts=restarts, exit_s=exit_seconds, tell=click.echo).run()
    if account.processes > 1:
        click.echo(summary(account))
    sys.exit(account.status)


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--fixtures", is_flag=True, required=True, help="Show the graph of the project's fixtures.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGUMENTS]...")
def doctor(*, fixtures: bool, arguments: tuple[str, ...]) -> None:
    """
    Look at a suite without running it: its fixtures, what shadows what, what is there twice or in a circle.

    Arguments go to pytest, which collects in a process of its own.
    """
    import subprocess  # noqa: PLC0415 - other commands do not need it

    assert fixtures  # noqa: S101 - click requires it
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "--hermetic-fixtures", *arguments]
    sys.exit(subprocess.run(command, check=False).returncode)
