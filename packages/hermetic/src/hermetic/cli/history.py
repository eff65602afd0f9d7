"""
`hermetic history`: what earlier runs say of the suite and of each test.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hermetic.cli import asking
from hermetic.cli.telling import told

if TYPE_CHECKING:
    from collections.abc import Generator

    from hermetic.record.history.store import HistoryStore


class _TestOrCommand(click.Group):
    """
    A group whose first word may also be a test: `hermetic history NAME` is `hermetic history test NAME`.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["test", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_TestOrCommand, invoke_without_command=True)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=asking.DIRECTORY,
    show_default=True,
    help="Where the history is.",
)
@click.pass_context
def history(context: click.Context, directory: Path) -> None:
    """
    How far each test can be trusted, from the outcomes of the runs so far.

    Without a word after it, the suite; with the name of a test or a part of it, that test.
    """
    context.obj = directory
    if context.invoked_subcommand is None:
        context.invoke(history_suite)


@history.command("suite")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def history_suite(directory: Path, *, as_json: bool = False) -> None:
    """
    The whole suite: runs, flaky tests, how often they make a run red (the default).
    """
    with told():
        click.echo(asking.suite(directory, tell=_tell, as_json=as_json))


@history.command("test")
@click.argument("test")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def history_test(directory: Path, test: str, *, as_json: bool) -> None:
    """
    One test, by its name or a part of it: rate with interval, class, flips, causes, durations.
    """
    with told():
        click.echo(asking.one_test(test, directory=directory, tell=_tell, as_json=as_json))


@history.command("merge")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.pass_obj
def history_merge(directory: Path, files: tuple[Path, ...]) -> None:
    """
    Add the runs of other machines: their history.sqlite3, JSON Lines of runs, or JUnit XML files.
    """
    from hermetic.record.history.taking import take  # noqa: PLC0415 - other commands do not need it

    with _history(directory) as store:
        for file in files:
            click.echo(f"{file}: {take(store, file)} new")


@history.command("export")
@click.option("--format", "kind", type=click.Choice(["json", "junit"]), default="json", show_default=True)
@click.option("--last", type=click.IntRange(1), default=1, show_default=True, help="How many of the newest runs.")
@click.pass_obj
def history_export(directory: Path, kind: str, last: int) -> None:
    """
    The newest runs on standard output: as JSON Lines, which merge takes, or as JUnit XML.
    """
    from hermetic.record.history.taking import give  # noqa: PLC0415 - other commands do not need it

    with _history(directory) as store:
        for line in give(store, kind=kind, last=last):
            click.echo(line)


@history.command("rename")
@click.argument("old")
@click.argument("new")
@click.pass_obj
def history_rename(directory: Path, old: str, new: str) -> None:
    """
    Let what the history knows of a test count for its new name.
    """
    with _history(directory) as store:
        if not store.rename(old, new):
            raise click.ClickException(f"the history in {directory} knows no test {old!r}")


@history.command("forget")
@click.option("--days", type=click.FloatRange(0), required=True, help="Runs older than this many days are deleted.")
@click.pass_obj
def history_forget(directory: Path, days: float) -> None:
    """
    Delete old runs.
    """
    import time  # noqa: PLC0415 - other commands do not need it

    with _history(directory) as store:
        click.echo(f"{store.forget(before=time.time() - days * 86400.0)} runs deleted")


@contextlib.contextmanager
def _history(directory: Path) -> Generator[HistoryStore]:
    with told(), asking.opened(directory, tell=_tell) as store:
        yield store


def _tell(text: str) -> None:
    click.echo(text, err=True)
