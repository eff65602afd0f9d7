"""
Between checks: one cheap probe a family now and then.

A probe proves nothing and announces nothing. When it sees another address than the known one, the panel is asked at once
instead of at its next time, so that a change is found within a minute at the price of one packet a minute. A probe that was
wrong is not believed again until it says something else, or the known address changes: a broken one must not make the
monitor ask the world every minute.
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
        while True:
            await self._clock.sleep(self._every_s)
            if await self._disagrees():
                self._alarm(Trigger.CANARY)

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
