"""
Puts the guard together for one session: which components, where events go, who is told what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic._pytest.findings import Desk
from hermetic._pytest.guarding import Guarding
from hermetic._pytest.summary import Summary
from hermetic.foundation import NullSink, SystemClock
from hermetic.guard.ownership import Roll
from hermetic.guard.team import Team

if TYPE_CHECKING:
    import pytest

    from hermetic._pytest.options import Settings
    from hermetic.foundation import Clock, Sink
    from hermetic.guard.component import Component


def components() -> list[Component]:
    """
    The parts of the guard that take part, in the order in which they are told that an owner begins.
    """
    return []


def assemble(config: pytest.Config, settings: Settings) -> None:
    clock: Clock = SystemClock()
    sink: Sink = NullSink()
    roll = Roll()
    team = Team(components(), roll=roll, sink=sink, clock=clock)
    desk = Desk(settings, root=str(config.rootpath), sink=sink, clock=clock)
    config.pluginmanager.register(Guarding(team=team, desk=desk), "hermetic-guarding")
    config.pluginmanager.register(Summary(team=team), "hermetic-summary")
    team.start()
    config.add_cleanup(team.stop)
