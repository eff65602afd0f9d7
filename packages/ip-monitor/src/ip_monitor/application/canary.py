"""
Between checks: one cheap probe a family now and then, and a look at the clocks.

A probe proves nothing and announces nothing. When it sees another address than the known one, the panel is asked at once
instead of at its next time, so that a change is found within a minute at the price of one packet a minute. A probe that was
wrong is not believed again until it says something else, or the known address changes: a broken one must not make the
monitor ask the world every minute.

A machine that slept has timers that slept too. The wall clock went on meanwhile, and that shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.domain.checks import Trigger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ip_monitor.application.ports import Clock, Provider
    from ip_monitor.domain.addresses import Address, Family
    from ip_monitor.domain.changes import CurrentAddress

# More than clocks are ever corrected by in one step on a machine that is kept in time, and less than any sleep that matters.
SLEPT_S = 30.0


class Canary:
    """
    Args:
        probes: gives whom to ask, all families mixed; those of one family take turns.
        known: the known address of a family.
        alarm: asks for a check.
        every_s: between two rounds, seconds, above 0.
    """

    def __init__(
        self,
        probes: Callable[[], Sequence[Provider]],
        *,
        known: Callable[[Family], Awaitable[CurrentAddress | None]],
        alarm: Callable[[Trigger], None],
        clock: Clock,
        every_s: float,
    ) -> None:
        self._probes = probes
        self._known = known
        self._alarm = alarm
        self._clock = clock
        self._every_s = every_s
        self._round = 0
        # What each probe last raised an alarm by: the known address then, and what it said.
        self._alarmed: dict[str, tuple[Address, Address]] = {}

    async def run(self) -> None:
        """
        Until cancelled. What cannot be asked or read is passed over: the panel comes in any case.
        """
        ahead_s = self._ahead_s()
        while True:
            await self._clock.sleep(self._every_s)
            before_s, ahead_s = ahead_s, self._ahead_s()
            if ahead_s - before_s > SLEPT_S:
                self._alarm(Trigger.WAKE)
            elif await self._disagrees():
                self._alarm(Trigger.CANARY)

    def _ahead_s(self) -> float:
        """
        How far the wall clock is ahead of the one that stops while the machine sleeps.
        """
        return self._clock.time() - self._clock.monotonic()

    async def _disagrees(self) -> bool:
        probes = self._probes()
        self._round += 1
        found = False
        for family in sorted({probe.source.family for probe in probes}):
            own = [probe for probe in probes if probe.source.family is family]
            found |= await self._probe(own[self._round % len(own)], family)
        return found

    async def _probe(self, probe: Provider, family: Family) -> bool:
        try:
            known = await self._known(family)
        except StorageUnavailableError:
            return False
        if known is None:
            return False
        said = (await probe.ask()).address
        if said is None or said == known.address:
            return False
        name, seen = probe.source.name, (known.address, said)
        if self._alarmed.get(name) == seen:
            return False
        self._alarmed[name] = seen
        return True
