"""
The `hermetic` command.
"""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hermetic._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from hermetic.record.history.store import HistoryStore


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
@click.option("--fixtures", is_flag=True, help="Show the graph of the project's fixtures instead.")
@click.option(
    "--rounds",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="How often the cost of a whole run is measured, about four seconds each; 0 leaves it out.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGUMENTS]...")
def doctor(*, fixtures: bool, rounds: int, arguments: tuple[str, ...]) -> None:
    """
    Look at a suite without running it: what is watched in it, what that costs here, and what cannot be seen here.

    With --fixtures, its fixtures: what shadows what, what is there twice or in a circle. Arguments go to pytest, which
    collects in a process of its own.
    """
    import subprocess  # noqa: PLC0415 - other commands do not need it

    from hermetic.runs.command import pytest_command  # noqa: PLC0415 - as above

    option = "--hermetic-fixtures" if fixtures else "--hermetic-doctor"
    status = subprocess.run(pytest_command("-q", "-p", "no:xdist", option, *arguments), check=False).returncode
    # 5 is that there are no tests, which is no reason not to look at the rest.
    if status not in {0, 5} or fixtures:
        sys.exit(status)
    if rounds:
        _tell_cost(rounds)


def _tell_cost(rounds: int) -> None:
    from hermetic.runs.cost import CostError, measure  # noqa: PLC0415 - other commands do not need it

    click.echo("\nwhole runs with Hermetic and without:")
    try:
        for line in measure(rounds=rounds).lines():
            click.echo(f"  {line}")
    except CostError as error:
        raise click.ClickException(f"pytest could not run tests that do nothing:\n{error}") from error


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--until-confident", is_flag=True, help="Go on until failures as rare as --rate would have been seen.")
@click.option("--runs", type=click.IntRange(1), help="So many runs under each condition instead.")
@click.option("--for", "limit", metavar="TIME", help="At most so long in all: 90s, 10m, 1h.")
@click.option(
    "--rate",
    type=click.FloatRange(0.0001, 0.5),
    default=0.01,
    show_default=True,
    help="Failures this frequent are to be seen.",
)
@click.option("--only", default="", metavar="CONDITION,…", help="Leave out all other conditions.")
@click.option("--suite", multiple=True, metavar="PATH", help="Tests that may run before; repeatable.")
@click.option("--again", metavar="SETTING", help="Run one test once under this setting.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--quiet", is_flag=True, help="Do not show what is being tried.")
@click.option("--interleave", is_flag=True, help="Only vary the order in which tasks go on, as pytest runs the tests.")
@click.option(
    "--seeds", type=click.IntRange(1), default=200, show_default=True, help="How many orders, for --interleave."
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="TEST... [PYTEST OPTIONS]...")
def stress(*, interleave: bool, seeds: int, arguments: tuple[str, ...], again: str | None, **options: Any) -> None:
    """
    Find the condition that makes a TEST fail now and then, and what makes the failure go away.

    Each test is run in calm surroundings, and under one condition at a time: random numbers, dates, clocks, orders of tests
    and of tasks, a busy machine, a slow disk, few descriptors, taken ports, hash seeds. The exit status is 0 when every test
    is stable, 1 when some are not. With --interleave it is pytest's.
    """
    if interleave:
        import subprocess  # noqa: PLC0415 - other commands do not need it

        from hermetic.runs.command import pytest_command  # noqa: PLC0415 - as above

        sys.exit(subprocess.run(pytest_command(f"--hermetic-interleave={seeds}", *arguments), check=False).returncode)
    from hermetic.runs.stress import asking  # noqa: PLC0415 - as above

    with _told():
        question = asking.question(arguments, **options)
        tell: Callable[[str], None] = (lambda _: None) if options["quiet"] else partial(click.echo, err=True)
        if again is not None:
            shown, status = asking.again(question, again)
        else:
            shown, status = asking.answer(question, tell=tell, is_json=options["as_json"])
    click.echo(shown)
    sys.exit(status)


@main.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--seconds", type=click.FloatRange(1), default=600.0, show_default=True, help="How long a probe may take."
)
@click.option("--quiet", is_flag=True, help="Do not show what is being tried.")
@click.argument("victim")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGUMENTS]...")
def bisect(victim: str, seconds: float, arguments: tuple[str, ...], *, quiet: bool) -> None:
    """
    Find the tests that make VICTIM fail, or that it needs, what they changed, and the line that did.

    VICTIM is the name of a test or a part of it. The suite is collected once; each probe runs in a fresh process. The exit
    status is 0 when something was found, 1 when the order does not decide how the test ends.
    """
    from hermetic.runs.polluters import diagnose, report  # noqa: PLC0415 - other commands do not need it
    from hermetic.runs.probe import ProbeError, Prober  # noqa: PLC0415 - as above

    try:
        with Prober(arguments, timeout=seconds) as prober:
            names = [name for name in prober.collected if victim in name]
            if victim in names:
                names = [victim]
            if len(names) != 1:
                listed = "".join(f"\n  {name}" for name in names[:20])
                raise click.ClickException(
                    f"{len(names)} of {len(prober.collected)} tests have {victim!r} in their names{listed}"
                )

            def tell(text: str) -> None:
                if not quiet:
                    click.echo(text, err=True)

            diagnosis = diagnose(names[0], prober, arguments=arguments, tell=tell)
    except ProbeError as error:
        raise click.ClickException(str(error)) from error
    click.echo(report(diagnosis, root=Path.cwd()))
    sys.exit(0 if diagnosis.found.tests else 1)


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


@main.group(cls=_TestOrCommand, invoke_without_command=True)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".hermetic"),
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
    from hermetic.record.history.shown import suite_json, suite_text  # noqa: PLC0415 - other commands do not need it

    with _history(directory) as store:
        click.echo(suite_json(store) if as_json else suite_text(store))


@history.command("test")
@click.argument("test")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def history_test(directory: Path, test: str, *, as_json: bool) -> None:
    """
    One test, by its name or a part of it: rate with interval, class, flips, causes, durations.
    """
    import time  # noqa: PLC0415 - other commands do not need it

    from hermetic.record.history.shown import test_json, test_text  # noqa: PLC0415 - as above

    with _history(directory) as store:
        names = [test] if test in store.names(test) else store.names(test)
        if not names:
            raise click.ClickException(f"the history in {directory} knows no test whose name contains {test!r}")
        if len(names) > 1:
            listed = "\n  ".join(names[:20])
            more = f"\n  … and {len(names) - 20} more" if len(names) > 20 else ""
            raise click.ClickException(f"{len(names)} tests have {test!r} in their names; which?\n  {listed}{more}")
        shown = test_json if as_json else test_text
        click.echo(shown(names[0], store, now=time.time()))


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
    from hermetic.record.history.errors import HistoryError  # noqa: PLC0415 - other commands do not need them
    from hermetic.record.history.store import HistoryStore  # noqa: PLC0415 - as above

    if not directory.is_dir():
        raise click.ClickException(f"there is no history in {directory}; it begins with the next run of pytest")
    try:
        with HistoryStore(directory, tell=lambda text: click.echo(text, err=True)) as store:
            store.take_in()
            yield store
    except HistoryError as error:
        raise click.ClickException(str(error)) from error


# ---------------------------------------------------------------- reports


@contextlib.contextmanager
def _told() -> Generator[None]:
    from hermetic.errors import HermeticError  # noqa: PLC0415 - as in every command

    try:
        yield
    except HermeticError as error:
        raise click.ClickException(str(error)) from error


_RUNS = click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")


@main.command()
@click.option(
    "-o", "--output", "outputs", multiple=True, type=click.Path(path_type=Path), metavar="FILE", help="Repeatable."
)
@_RUNS
def report(runs: tuple[Path, ...], outputs: tuple[Path, ...]) -> None:
    """
    Report the run that these journals (files, or directories with those of several machines) tell of together.

    Each output's name says its format: .html, .json, .ctrf.json, .md, .xml (JUnit), .github or .txt. Without one, a summary is shown.
    """
    from hermetic.record.report import TestReporter  # noqa: PLC0415 - other commands do not need it
    from hermetic.record.report.as_text import text  # noqa: PLC0415 - as above

    with _told():
        reporter = TestReporter.from_journals(*runs)
        for output in outputs:
            reporter.write(output)
        if not outputs:
            click.echo(text(reporter.document), nl=False)


@main.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE")
@_RUNS
def merge(runs: tuple[Path, ...], output: Path) -> None:
    """
    Put the journals of several machines into one file, which `hermetic report` reads as one run.
    """
    from hermetic.record.journal.merging import merge as merged  # noqa: PLC0415 - other commands do not need it

    with _told():
        click.echo(f"{merged(runs, output)} journals in {output}")


@main.command()
@click.argument("test")
@_RUNS
def show(test: str, runs: tuple[Path, ...]) -> None:
    """
    Show the tests whose node id holds TEST: cause, evidence, remedy, and what happened in them.
    """
    from hermetic.record.report import TestReporter  # noqa: PLC0415 - other commands do not need it
    from hermetic.record.report.as_text import test_text  # noqa: PLC0415 - as above

    with _told():
        contents = TestReporter.from_journals(*runs).document
    found = [one for one in contents["tests"] if test in one["id"]]
    if not found:
        raise click.ClickException(
            f"no test of this run has {test!r} in its node id; it has {len(contents['tests'])} tests"
        )
    exact = [one for one in found if one["id"] == test]
    for one in exact or found:
        click.echo(test_text(one))


@main.command()
@click.option(
    "-o", "--output", "outputs", multiple=True, type=click.Path(path_type=Path), metavar="FILE", help="Repeatable."
)
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
def diff(before: Path, after: Path, outputs: tuple[Path, ...]) -> None:
    """
    Say what is different in the run AFTER: outcomes, tests that came and went, and what became slower or faster.

    With an output that ends in .html or .json, a report of AFTER with the differences in it.
    """
    from hermetic.record.report import TestReporter  # noqa: PLC0415 - other commands do not need it
    from hermetic.record.report.comparing import compare  # noqa: PLC0415 - as above

    with _told():
        first, second = (TestReporter.from_journals(one).run for one in (before, after))
        reporter = TestReporter(second, before=first)
        for output in outputs:
            reporter.write(output)
    if not outputs:
        click.echo(compare(first, second), nl=False)


@main.command("open")
@click.argument("page", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def open_page(page: Path) -> None:
    """
    Show a report in the browser: an HTML page, or a journal, of which a page is made beside it.
    """
    from hermetic.record.report import TestReporter  # noqa: PLC0415 - other commands do not need it

    if page.suffix == ".jsonl":
        made = page.with_suffix(".html")
        with _told():
            TestReporter.from_journals(page).write(made)
        page = made
    click.echo(page)
    click.launch(page.resolve().as_uri())
