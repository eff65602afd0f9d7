"""
The group of commands. Each command's module is imported only when that command runs, so that `--version`, `--help`
and shell completion stay quick.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from typing import NoReturn

import click

from ip_monitor._version import __version__
from ip_monitor.cli.exit_status import ExitStatus
from ip_monitor.errors import IPMonitorError

COMMANDS = {
    "backup": "Copy the database while it is in use.",
    "audit": "List who did what to the monitor.",
    "cache": "Show, clear or renew what a running monitor remembers.",
    "notify": "Mute announcements to people for a while, or unmute them.",
    "queue": "Show, stop and start the announcements, give up on them, make them due.",
    "doctor": "Say what stands in the way, with a remedy each.",
    "providers": "List, add, switch, order, test and rank who is asked.",
    "test-notify": "Announce a test to every sink.",
    "check": "Ask once and say what the public address is.",
    "completion": "Print a script for your shell that completes words.",
    "config": "List the settings, and show what they are and why.",
    "history": "List the addresses there have been.",
    "install-service": "Let systemd run the monitor.",
    "import": "Take up the history of an older program, once.",
    "run": "Watch the address until stopped.",
    "simulate": "Watch a simulated internet for a while: see the product work, offline.",
    "status": "Say what is known, without asking anybody.",
    "token": "Make a new token for signing in on the page.",
    "why": "Explain the last verdict, or a change.",
}
"""
Every command with the line that `--help` shows, so that `--help` need not import any of them.
"""


class LazyGroup(click.Group):
    """
    Finds command `name` as the attribute `command` of the module `ip_monitor.cli.<name>`.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # the signature is click's
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        # `import` is no name that a module can have.
        name = cmd_name.replace("-", "_") + ("_" if cmd_name == "import" else "")
        module = importlib.import_module(f"ip_monitor.cli.{name}")
        found: click.Command = module.command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        close = difflib.get_close_matches(args[0], COMMANDS, n=1)
        if args[0] not in COMMANDS and close:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ip-monitor", message="%(prog)s %(version)s")
def group() -> None:
    """
    Watches this machine's public IP address: asks several independent services, decides by vote, keeps the
    history and announces changes. `ip-monitor COMMAND --help` explains a command.
    """


def main() -> NoReturn:
    """
    Run the command line, and turn what is raised on purpose into one message and an exit status.
    """
    try:
        status = group.main(standalone_mode=False, prog_name="ip-monitor")
    except click.ClickException as error:
        sys.exit(_refuse(error))
    except click.Abort:
        sys.exit(130)
    except IPMonitorError as error:
        from ip_monitor.cli.failure import report  # noqa: PLC0415 # only trouble pays for it

        sys.exit(report(error, as_json=_is_json_wanted()))
    except BrokenPipeError:
        # The reader of a pipe (`| head`) went away: the usual end, and Python must not complain about stdout at exit.
        sys.stderr.close()
        sys.exit(141)
    sys.exit(status if isinstance(status, int) else ExitStatus.OK)


def _refuse(error: click.ClickException) -> ExitStatus:
    status = ExitStatus.USAGE if isinstance(error, click.UsageError) else ExitStatus.FAILED
    if _is_json_wanted():
        from ip_monitor.cli.output import echo_error  # noqa: PLC0415 # only trouble pays for it

        echo_error(error.format_message(), kind=type(error).__name__, status=int(status), as_json=True)
    else:
        error.show()
    return status


def _is_json_wanted() -> bool:
    """
    What ends a command may come before its options are read.
    """
    words = sys.argv[1:]
    return "--json" in (words[: words.index("--")] if "--" in words else words)
