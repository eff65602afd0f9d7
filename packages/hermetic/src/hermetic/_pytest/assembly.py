"""
Puts the guard together for one session: which components, where events go, who is told what.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest import fixtures, python, runner  # where pytest calls what is the user's

from hermetic._pytest import budgets
from hermetic._pytest.blocking import blocking
from hermetic._pytest.explaining import Diagnosing, Explaining
from hermetic._pytest.findings import DESK, Desk
from hermetic._pytest.guarding import Guarding
from hermetic._pytest.hangs import Hangs, last_events, mock_requests
from hermetic._pytest.histories import reports_of
from hermetic._pytest.isolating import Promises, isolation
from hermetic._pytest.limiting import Limiting
from hermetic._pytest.recording import RUN_KEY, FixtureTimes, Recording
from hermetic._pytest.reporting import Reporting, copy_for, journal_for
from hermetic._pytest.summary import Summary
from hermetic.foundation.clock import SystemClock
from hermetic.foundation.stream import stream
from hermetic.guard import late
from hermetic.guard.census.arrivals import Arrivals
from hermetic.guard.census.census import Census
from hermetic.guard.census.descriptors import Descriptors
from hermetic.guard.census.orphans import Orphans
from hermetic.guard.census.running import RUNNING
from hermetic.guard.census.shifts import Shifts
from hermetic.guard.census.strays import StrayDescriptors
from hermetic.guard.census.telling import open_resources
from hermetic.guard.census.trackers import all_trackers, awaited_trackers
from hermetic.guard.census.transactions import Transactions
from hermetic.guard.ownership import Roll
from hermetic.guard.reach import watch
from hermetic.guard.team import Team
from hermetic.record.memory import TestMemory

if TYPE_CHECKING:
    from types import CodeType, ModuleType

    from hermetic._pytest.baselining import Baselining
    from hermetic._pytest.options import Settings
    from hermetic.foundation import Clock, Sink
    from hermetic.guard.component import Component
    from hermetic.record.journal import JournalWriter
    from hermetic.record.report.uneventful import Uneventful

# Where pytest keeps the name of the test that runs, for whoever looks from outside.
_TEST_VARIABLE = "PYTEST_CURRENT_TEST"


def _code(module: ModuleType, name: str) -> CodeType | None:
    # Without public names, so they may go: then sites are longer than they need to be.
    code: CodeType | None = getattr(getattr(module, name, None), "__code__", None)
    return code


def components(
    config: pytest.Config, settings: Settings, roll: Roll, arrivals: Arrivals
) -> tuple[Census, list[Component]]:
    """
    The census, and the parts of the guard that take part, in the order in which they are told that an owner begins.
    """
    descriptors = Descriptors()
    census = Census(
        all_trackers(descriptors, thread_locks=settings.thread_locks),
        roll=roll,
        arrivals=arrivals,
        awaited=awaited_trackers(arrivals, temporary_below=str(config.getoption("basetemp") or "")),
        keep=settings.keep,
        outermost=(
            _code(python, "pytest_pyfunc_call"),
            _code(fixtures, "call_fixture_func"),
            runner.CallInfo.from_call.__code__,
        ),
    )
    holds = blocking(config, owner=census.attribution.current, arrivals=arrivals)
    keepers = isolation(config, settings)
    for keeper in keepers:
        census.disturbing = keeper.distrust
    watches = (
        StrayDescriptors(census, roll=roll, descriptors=descriptors),
        Transactions(census, roll=roll),
        Orphans(census, variable=_TEST_VARIABLE),
    )
    return census, [Shifts(watches, roll=roll), census, holds, *keepers]


def _journal(config: pytest.Config, settings: Settings, *, copy: Uneventful | None) -> JournalWriter | None:
    asked = journal_for(config, settings.journal)
    if asked is None:
        return None
    # All of it is loaded only for a run that keeps one.
    from uuid import uuid4  # noqa: PLC0415 - see above

    from hermetic.record.journal import JournalError, JournalWriter  # noqa: PLC0415 - as above
    from hermetic.record.sampling import Sampler  # noqa: PLC0415 - as above

    path = Path(config.invocation_params.dir) / asked
    given: Any = getattr(config, "workerinput", {})
    worker = str(given.get("workerid", ""))
    if worker:
        path = path.with_name(f"{path.stem}-{worker}{path.suffix}")
    run = str(given.get(RUN_KEY) or config.getoption("--hermetic-run") or uuid4().hex[:16])
    about = {"root": str(config.rootpath), "arguments": [str(word) for word in config.invocation_params.args]}
    sampler = Sampler()
    config.add_cleanup(sampler.close)
    try:
        writer = JournalWriter(
            path,
            run=run,
            worker=worker,
            about=about,
            is_strict=False,
            tests=lambda: _collected(config),
            sample=sampler,
            copy=None if copy is None else copy.take,
        )
    except JournalError as error:
        # Whoever asked for a journal wants its tests run all the more.
        config.issue_config_time_warning(JournalWarning(f"--hermetic-journal: {error}"), stacklevel=2)
        return None
    config.add_cleanup(writer.close)
    return writer


def _collected(config: pytest.Config) -> list[str]:
    controller: Any = config.pluginmanager.get_plugin("dsession")
    if controller is not None:
        return list(getattr(controller.sched, "collection", None) or ())
    session: Any = config.pluginmanager.get_plugin("session")
    return [item.nodeid for item in session.items]


def _watch_tasks(config: pytest.Config, sink: Sink) -> None:
    times = late.load("hermetic.record.tasks").TaskTimes(sink, root=str(config.rootpath))
    config.add_cleanup(times.install())


class JournalWarning(pytest.PytestWarning):
    """
    There is no journal, and why.
    """


def _baseline(config: pytest.Config) -> Baselining | None:
    options = ("--hermetic-baseline", "--hermetic-baseline-write")
    if not any(map(config.getoption, options)) and not config.getini("hermetic_baseline"):
        return None
    from hermetic._pytest.baselining import baselining  # noqa: PLC0415 - only for a run that has one

    baseline = baselining(config)
    if baseline is not None:
        config.pluginmanager.register(baseline, "hermetic-baseline")
    return baseline


def assemble(config: pytest.Config, settings: Settings) -> Team:
    clock: Clock = SystemClock()
    copy = copy_for(config)
    journal = _journal(config, settings, copy=copy)
    memory = sink = TestMemory(journal)
    config.add_cleanup(stream.connect(sink))
    roll = Roll()
    arrivals = Arrivals()
    arrivals.expect("uvloop")
    census, parts = components(config, settings, roll, arrivals)
    parts.append(FixtureTimes(sink))
    team = Team(parts, roll=roll, sink=sink, clock=clock)
    baseline = _baseline(config)
    desk = config.stash[DESK] = Desk(settings, root=str(config.rootpath), sink=sink, clock=clock, baseline=baseline)
    config.pluginmanager.register(Guarding(team=team, desk=desk), "hermetic-guarding")
    config.pluginmanager.register(Summary(team=team, journal=journal), "hermetic-summary")
    if settings.resettable:
        config.pluginmanager.register(Promises(settings.resettable), "hermetic-resettable")
    config.pluginmanager.register(Limiting(config, sink=sink, clock=clock), "hermetic-limiting")
    explaining = Explaining(root=str(config.rootpath))
    config.pluginmanager.register(explaining, "hermetic-explaining")
    recording = Recording(
        sink,
        run=journal.run if journal is not None else "",
        with_logs=journal is not None,
        failure=explaining.take,
        # It explains from what was told, so it comes after.
        told=Diagnosing(memory).told,
        reports=reports_of(config),
    )
    config.pluginmanager.register(recording, "hermetic-recording")
    if journal is not None:
        arrivals.when("asyncio", lambda _: _watch_tasks(config, sink))
        from hermetic._pytest.past import PastTelling  # noqa: PLC0415 - only for a run that is recorded

        config.pluginmanager.register(PastTelling(config, sink), "hermetic-past")
        config.pluginmanager.register(Reporting(config, journal, copy=copy), "hermetic-reporting")
    config.add_cleanup(watch(sink))
    # Registered last, so that what the guard does around a test is within the test's time too.
    providers = [open_resources(census), mock_requests, last_events(memory)]
    hangs = Hangs(config, budgets.read(config), sink=sink, clock=clock, providers=providers, left=explaining.left_loop)
    config.pluginmanager.register(hangs, "hermetic-hangs")
    # Started first, so that the signals it takes belong to the state that isolation finds.
    hangs.start(arrivals)
    config.add_cleanup(hangs.stop)
    team.start()
    config.add_cleanup(team.stop)
    config.add_cleanup(RUNNING.provide(census))
    return team
