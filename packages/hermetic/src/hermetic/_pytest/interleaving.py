"""
Running asynchronous tests under many orders of their tasks: those that are marked, or all of a run that asks for it.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from hermetic._pytest.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

SEEDS = 200
# On the report of a test's call: empty when it was interleaved, else why it was left alone.
ATTRIBUTE = "hermetic_interleaved"
_LEFT_ALONE = pytest.StashKey[str]()


def add_options(parser: pytest.Parser) -> None:
    parser.getgroup("hermetic").addoption(
        "--hermetic-interleave",
        type=int,
        default=0,
        metavar="N",
        help="run every asynchronous test, and no other, under N orders of its tasks (hermetic stress --interleave)",
    )


def register(config: pytest.Config) -> None:
    """
    Raises:
        pytest.UsageError: a negative number of orders.
    """
    seeds = int(config.getoption("--hermetic-interleave") or 0)
    if seeds < 0:
        raise pytest.UsageError(f"--hermetic-interleave={seeds}: give how many orders to try, from 1 on.")
    if seeds:
        config.pluginmanager.register(InterleaveAll(seeds), "hermetic-interleave-all")


def seeds_of(mark: pytest.Mark, *, source: str) -> int:
    """
    How many orders a marker asks for.

    Raises:
        pytest.Collector.CollectError: it says something else, told with `source`.
    """
    given = [*mark.args, *(mark.kwargs[name] for name in mark.kwargs if name == "seeds")]
    unknown = sorted(set(mark.kwargs) - {"seeds"})
    if unknown or len(given) > 1:
        wrong = f"no argument {unknown[0]!r}" if unknown else "one number only"
        raise pytest.Collector.CollectError(f"{source}: interleave() takes {wrong}; write interleave(seeds={SEEDS}).")
    seeds = given[0] if given else SEEDS
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise pytest.Collector.CollectError(
            f"{source}: interleave(seeds={seeds!r}) is no number of orders; give a whole number from 1."
        )
    return seeds


def coroutine_function(item: pytest.Function) -> Callable[..., Coroutine[Any, Any, Any]] | None:
    """
    The test's own coroutine function, without what plugins put around it; None where it is none.
    """
    function: Any = inspect.unwrap(getattr(item.obj, "pytest_asyncio_original", item.obj))
    if not inspect.iscoroutinefunction(function):
        return None
    bound: Callable[..., Coroutine[Any, Any, Any]] = (
        function if item.instance is None else function.__get__(item.instance)
    )
    return bound


def run(item: pytest.Function, function: Callable[..., Coroutine[Any, Any, Any]], *, seeds: int, again: str) -> None:
    """
    Run the test under so many orders, or under the one that --hermetic-seed gives. A failure is the test's own, with
    what it takes and the command `again`.
    """
    from hermetic.guard.schedule import InterleavingError, interleave  # noqa: PLC0415 - it brings asyncio

    arguments = {name: item.funcargs[name] for name in inspect.signature(function).parameters}
    try:
        interleave(lambda: function(**arguments), seeds=seeds, seed=item.config.getoption("--hermetic-seed"))
    except InterleavingError as error:
        error.error.add_note(str(error))
        if again:
            error.error.add_note(again.format(seed=error.seed))
        raise error.error from None


class InterleaveAll(Hooks):
    """
    Interleaves every asynchronous test of a run.

    A test whose fixtures are asynchronous is run as it is, since they live on a loop of their own; so is one that cannot
    be repeated: what it shares with its fixtures is not fresh the second time, and would look like a race.
    """

    def __init__(self, seeds: int) -> None:
        self._seeds = seeds
        self._interleaved = 0
        self._alone: dict[str, list[str]] = {}
        self._dropped = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        wanted = [one for one in items if isinstance(one, pytest.Function) and coroutine_function(one) is not None]
        dropped = [one for one in items if not any(one is other for other in wanted)]
        self._dropped = len(dropped)
        if dropped:
            items[:] = wanted
            config.hook.pytest_deselected(items=dropped)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> object | None:
        from hermetic.guard.schedule import InterleavingError, interleave  # noqa: PLC0415 - as above

        function = coroutine_function(pyfuncitem)
        if function is None or pyfuncitem.get_closest_marker("interleave") is not None:
            return None
        asynchronous = asynchronous_fixtures(pyfuncitem)
        if asynchronous:
            pyfuncitem.stash[_LEFT_ALONE] = f"asynchronous fixtures ({', '.join(asynchronous)})"
            return None
        again = f"run again: hermetic stress --interleave '{pyfuncitem.nodeid}' --hermetic-seed {{seed}}"
        pyfuncitem.stash[_LEFT_ALONE] = ""
        arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(function).parameters}
        for is_first in (True, False):
            try:
                interleave(lambda: function(**arguments), seed=0)
            except InterleavingError as error:
                if is_first:
                    raise error.error from None
                why = f"{type(error.error).__name__}: {error.error}".partition("\n")[0]
                pyfuncitem.stash[_LEFT_ALONE] = f"state that is not fresh the second time ({why})"
                return True
        run(pyfuncitem, function, seeds=self._seeds, again=again)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        why = item.stash.get(_LEFT_ALONE, None)
        if call.when == "call" and why is not None:
            setattr(report, ATTRIBUTE, why)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        why = getattr(report, ATTRIBUTE, None)
        if why:
            self._alone.setdefault(why, []).append(report.nodeid)
        elif why is not None:
            self._interleaved += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("Hermetic: orders of tasks")
        terminalreporter.line(f"{self._interleaved} tests under up to {self._seeds} orders each")
        for why, nodeids in self._alone.items():
            terminalreporter.line(f"{len(nodeids)} run once, for their {why}:")
            for nodeid in nodeids:
                terminalreporter.line(f"  {nodeid}")


def asynchronous_fixtures(item: pytest.Function) -> list[str]:
    found: list[str] = []
    definitions: Any = item._fixtureinfo.name2fixturedefs  # noqa: SLF001 - nothing public tells a test's fixtures
    for name, several in definitions.items():
        function = inspect.unwrap(several[-1].func)
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            found.append(name)
    return sorted(found)
