"""
Commands that make something readable of the journals of runs.
"""

from __future__ import annotations

from pathlib import Path

import click

from hermetic.cli.telling import told

_RUNS = click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")


@click.command()
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

    with told():
        reporter = TestReporter.from_journals(*runs)
        for output in outputs:
            reporter.write(output)
        if not outputs:
            click.echo(text(reporter.document), nl=False)


@click.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE")
@_RUNS
def merge(runs: tuple[Path, ...], output: Path) -> None:
    """
    Put the journals of several machines into one file, which `hermetic report` reads as one run.
    """
    from hermetic.guard.census.cases import counted  # noqa: PLC0415 - other commands do not need it
    from hermetic.record.journal.merging import merge as merged  # noqa: PLC0415 - as above

    with told():
        click.echo(f"{counted(merged(runs, output), 'journal')} in {output}")


@click.command()
@click.argument("test")
@_RUNS
def show(test: str, runs: tuple[Path, ...]) -> None:
    """
    Show the tests whose node id holds TEST: cause, evidence, remedy, and what happened in them.
    """
    from hermetic.record.report import TestReporter  # noqa: PLC0415 - other commands do not need it
    from hermetic.record.report.as_text import test_text  # noqa: PLC0415 - as above

    with told():
        contents = TestReporter.from_journals(*runs).document
    found = [one for one in contents["tests"] if test in one["id"]]
    if not found:
        raise click.ClickException(
            f"no test of this run has {test!r} in its node id; it has {len(contents['tests'])} tests"
        )
    exact = [one for one in found if one["id"] == test]
    for one in exact or found:
        click.echo(test_text(one))


@click.command()
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

    with told():
        first, second = (TestReporter.from_journals(one).run for one in (before, after))
        reporter = TestReporter(second, before=first)
        for output in outputs:
            reporter.write(output)
    if not outputs:
        click.echo(compare(first, second), nl=False)


@click.command("open")
@click.argument("page", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def open_page(page: Path) -> None:
    """
    Show a report in the browser: an HTML page, or a journal, of which a page is made beside it.
    """
    from hermetic.record.report import TestReporter  # noqa: PLC0415 - other commands do not need it

    if page.suffix == ".jsonl":
        made = page.with_suffix(".html")
        with told():
            TestReporter.from_journals(page).write(made)
        page = made
    elif page.suffix not in {".html", ".htm"}:
        raise click.UsageError(f"{page} is neither a page (.html) nor a journal (.jsonl).")
    click.echo(page)
    if click.launch(page.resolve().as_uri()):
        raise click.ClickException("no browser could be started; open the page by hand.")
