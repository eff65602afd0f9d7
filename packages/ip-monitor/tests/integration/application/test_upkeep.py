"""
Trimming now and then.
"""

from __future__ import annotations

from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.application.upkeep import Upkeep
from ip_monitor.domain.events import Trouble, TroubleOver


async def test_it_trims_after_the_start_and_every_day_and_outlives_a_failure(announcer, clock, events, in_background):
    """
    A database that is locked today is trimmed tomorrow.
    """
    runs = []

    async def trim():
        runs.append(clock.monotonic())
        if len(runs) == 1:
            raise StorageUnavailableError("locked")

    in_background(Upkeep(trim, announcer=announcer, clock=clock).run())
    await clock.slept(60.0)
    await events.wait(Trouble)
    await clock.slept(86_400.0)
    await events.wait(TroubleOver)

    assert [later - runs[0] for later in runs] == [0, 86_400]
