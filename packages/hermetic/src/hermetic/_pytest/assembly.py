"""
Puts the guard together for one session: which components, where events go, who is told what.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hermetic._pytest import budgets
from hermetic._pytest.baselining import baselining
from hermetic._pytest.blocking import blocking
from hermetic._pytest.findings import Desk
from hermetic._pytest.guarding import Guarding
from hermetic._pytest.hangs import Hangs, RecentEvents, mock_requests
from hermetic._pytest.isolating import Promises, isolation
from hermetic._pytest.limiting import HungriestTests, Limiting
from hermetic._pytest.summary import Summary
from hermetic.foundation import NullSink, SystemClock
from hermetic.guard.census.arrivals import Arrivals
from hermetic.guard.census.census import Census
from hermetic.guard.census.running import RUNNING
from hermetic.guard.census.telling import open_resources
from hermetic.guard.census.trackers import all_trackers, awaited_trackers
from hermetic.guard.keeping import Keeping
from hermetic.guard.ownership import Roll
from hermetic.guard.team import Team
from hermetic.record.journal import JournalError, JournalWriter

if TYPE_CHECKING:
    from hermetic._pytest.options import Settings
    from hermetic.foundation import Clock, Sink
    from hermetic.guard.component import Component


def components(config: pytest.Config, settings: Settings, roll: Roll) -> tuple[Census, list[Component]]:
    """
    The census, and the parts of the guard that take part, in the order in which they are told that an owner begins.
    """
    arrivals = Arrivals()
    census = Census(
        all_trackers(arrivals, temporary_below=str(config.getoption("basetemp") or "")),
        roll=roll,
        arrivals=arrivals,
        awaited=awaited_trackers(arrivals),
        keeping=Keeping(settings.keep),
    )
    holds = blocking(config, owner=census.attribution.current, arrivals=arrivals)
    return census, [census, holds, *isolation(config, settings)]


def _journal(config: pytest.Config, settings: Settings) -> Sink:
    if settings.journal is None:
        return NullSink()
    path = config.invocation_params.dir / settings.journal
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        path = path.with_name(f"{path.stem}-{worker}{path.suffix}")
    try:
        writer = JournalWriter(path)
    except JournalError as error:
        raise pytest.UsageError(f"--hermetic-journal: {error}") from error
    config.add_cleanup(writer.close)
    return writer


def assemble(config: pytest.Config, settings: Settings) -> None:
    clock: Clock = SystemClock()
    sink = RecentEvents(_journal(config, settings))
    roll = Roll()
    census, parts = components(config, settings, roll)
    team = Team(parts, roll=roll, sink=sink, clock=clock)
    baseline = baselining(config)
    if baseline is not None:
        config.pluginmanager.register(baseline, "hermetic-baseline")
    desk = Desk(settings, root=str(config.rootpath), sink=sink, clock=clock, baseline=baseline)
    config.pluginmanager.register(Guarding(team=team, desk=desk), "hermetic-guarding")
    config.pluginmanager.register(Summary(team=team), "hermetic-summary")
    config.pluginmanager.register(Promises(settings.resettable), "hermetic-resettable")
    config.pluginmanager.register(Limiting(config, sink=sink, clock=clock), "hermetic-limiting")
    config.pluginmanager.register(
        HungriestTests(int(config.getoption("--hermetic-hungriest") or 0)), "hermetic-hungriest"
    )
    # Registered last, so that what the guard does around a test is within the test's time too.
    providers = [open_resources(census), mock_requests, sink.told]
    hangs = Hangs(config, budgets.read(config), sink=sink, clock=clock, providers=providers)
    config.pluginmanager.register(hangs, "hermetic-hangs")
    # Started first, so that the signals it takes belong to the state that isolation finds.
    hangs.start()
    config.add_cleanup(hangs.stop)
    team.start()
    config.add_cleanup(team.stop)
    config.add_cleanup(RUNNING.provide(census))
