"""
Asking about a captive portal early enough to know by the end of the panel.

A portal is only of interest when nobody gives an address. To find that out first and ask then would take the panel's whole
deadline and the probe's after it; so the probe begins beside the panel as soon as its silence is suspicious.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ip_monitor.application.cancellation import cancel_and_wait

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ip_monitor.application.ports import Clock, PortalProbe
    from ip_monitor.domain.addresses import Family
    from ip_monitor.domain.answers import Answer

# Most answers are there within a second; with the probe's own 3 s this ends before a panel's usual deadline of 5 s.
PATIENCE_S = 1.5


class PortalWatch:
    """
    Of one round of a check.

    Args:
        probe: None where nobody is to be asked; then there is no portal.
        families: whom the panel is asked about.
        patience_s: how long a family may go without an address before it is probed, seconds.
    """

    def __init__(
        self, probe: PortalProbe | None, families: Iterable[Family], *, clock: Clock, patience_s: float = PATIENCE_S
    ) -> None:
        self._probe = probe
        self._silent = set(families)
        self._clock = clock
        self._patience_s = patience_s
        self._asked: dict[Family, asyncio.Task[bool]] = {}
        self._timer: asyncio.Task[None] | None = None

    def begin(self) -> None:
        if self._probe is not None:
            self._timer = asyncio.create_task(self._wait(), name="ip-monitor-portal-watch")

    def saw(self, answer: Answer) -> None:
        """
        An answer arrived.
        """
        if answer.address is not None:
            self._silent.discard(answer.source.family)
            if not self._silent and self._timer is not None:
                self._timer.cancel()

    def ask(self, families: Iterable[Family]) -> None:
        """
        Begin to probe, where it was not begun yet.
        """
        if self._probe is not None:
            for family in families:
                if family not in self._asked:
                    self._asked[family] = asyncio.ensure_future(_bool(self._probe, family))

    async def is_captive(self, family: Family) -> bool:
        """
        What the probe of a family found; begins it if need be.
        """
        if self._probe is None:
            return False
        self.ask([family])
        return await self._asked[family]

    async def aclose(self) -> None:
        """
        End what is not needed any more.
        """
        ending: list[asyncio.Future[Any]] = list(self._asked.values())
        await cancel_and_wait(ending if self._timer is None else [*ending, self._timer])

    async def _wait(self) -> None:
        await self._clock.sleep(self._patience_s)
        self.ask(tuple(self._silent))


async def _bool(probe: PortalProbe, family: Family) -> bool:
    return await probe.is_captive(family)
