"""
Commands that run pytest: under a parent, to look at a suite, under conditions, in another order.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hermetic.cli.telling import told

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
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


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--fixtures", is_flag=True, help="Show the graph of the project's fixtures instead.")
@click.option("--settings", is_flag=True, help="Show which settings contradict one another instead, and run no pytest.")
@click.option(
    "--rounds",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="How often the cost of a whole run is measured, about four seconds each; 0 leaves it out.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGUMENTS]...")
def doctor(*, fixtures: bool, settings: bool, rounds: int, arguments: tuple[str, ...]) -> None:
    """
    Look at a suite without running it: what is watched in it, what that costs here, and what cannot be seen here.

    With --fixtures, its fixtures: what shadows what, what is there twice or in a circle. Arguments go to pytest, which
    collects in a process of its own. With --settings, what the configuration files and PYTEST_ADDOPTS say against one
    another, with file and line, which of them counts, and what to do; the exit status is then 1 if there is any such thing.
    """
    if settings:
        sys.exit(_tell_settings())
    status = _pytest("-q", "-p", "no:xdist", "--hermetic-fixtures" if fixtures else "--hermetic-doctor", *arguments)
    # 5 is that there are no tests, which is no reason not to look at the rest.
    if status not in {0, 5} or fixtures:
        sys.exit(status)
    if rounds:
        _tell_cost(rounds)


def _tell_settings() -> int:
    import os  # noqa: PLC0415 - other commands do not need it
    from importlib import metadata  # noqa: PLC0415 - as above

    from hermetic.runs.settings.conflicts import conflicts  # noqa: PLC0415 - as above

    installed: dict[str, str] = {}
    for name in ("pytest-asyncio", "pytest-rerunfailures", "pytest-retry", "flaky"):
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    source, found = conflicts(Path.cwd(), environment=os.environ, installed=installed)
    click.echo(f"settings come from {source.file} [{source.section}]" if source else "no file configures pytest here")
    for conflict in found:
        click.echo("\n" + "\n".join(conflict.lines()))
    if not found:
        click.echo("nothing contradicts anything")
    return int(bool(found))


def _tell_cost(rounds: int) -> None:
    from hermetic.runs.cost import CostError, measure  # noqa: PLC0415 - other commands do not need it

    click.echo("\nwhole runs with Hermetic and without:")
    try:
        for line in measure(rounds=rounds).lines():
            click.echo(f"  {line}")
    except CostError as error:
        raise click.ClickException(f"pytest could not run tests that do nothing:\n{error}") from error


@click.command(context_settings={"ignore_unknown_options": True})
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
        sys.exit(_pytest(f"--hermetic-interleave={seeds}", *arguments))
    from hermetic.runs.stress import asking  # noqa: PLC0415 - other commands do not need it

    with told():
        question = asking.question(arguments, **options)
        if again is not None:
            shown, status = asking.again(question, again)
        else:
            shown, status = asking.answer(
                question, tell=_progress(is_quiet=options["quiet"]), is_json=options["as_json"]
            )
    click.echo(shown)
    sys.exit(status)


@click.command(context_settings={"ignore_unknown_options": True})
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
    from hermetic.runs.probe import Prober  # noqa: PLC0415 - as above

    with told(), Prober(arguments, timeout=seconds) as prober:
        names = [name for name in prober.collected if victim in name]
        if victim in names:
            names = [victim]
        if len(names) != 1:
            listed = "".join(f"\n  {name}" for name in names[:20])
            raise click.ClickException(
                f"{len(names)} of {len(prober.collected)} tests have {victim!r} in their names{listed}"
            )
        diagnosis = diagnose(names[0], prober, arguments=arguments, tell=_progress(is_quiet=quiet))
    click.echo(report(diagnosis, root=Path.cwd()))
    sys.exit(0 if diagnosis.found.tests else 1)


def _pytest(*arguments: str) -> int:
    """
    Run pytest in a process of its own; its exit status.
    """
    import subprocess  # noqa: PLC0415 - other commands do not need it

    from hermetic.runs.command import pytest_command  # noqa: PLC0415 - as above

    return subprocess.run(pytest_command(*arguments), check=False).returncode


def _progress(*, is_quiet: bool) -> Callable[[str], None]:
    return (lambda _: None) if is_quiet else partial(click.echo, err=True)
