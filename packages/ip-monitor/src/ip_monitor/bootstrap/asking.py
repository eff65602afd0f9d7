"""
The side that asks: the providers, who manages them, the panel, and the monitor over it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from ip_monitor.adapters.network.watch import NetworkWatch
from ip_monitor.adapters.providers.client import HTTPClient
from ip_monitor.adapters.providers.factory import provider_for
from ip_monitor.adapters.providers.portal import PortalProbe
from ip_monitor.application.canary import Canary
from ip_monitor.application.monitor import Monitor
from ip_monitor.application.panel import Panel
from ip_monitor.application.ports import BallotStore, IPStorage
from ip_monitor.application.providers import IPAPIManager
from ip_monitor.application.schedule import Schedule
from ip_monitor.application.wake import SleepWatch
from ip_monitor.bootstrap.sinks import LOUD_SINKS
from ip_monitor.bootstrap.sources import canary_specs, provider_specs, spare_specs
from ip_monitor.domain.addresses import AddressPolicy
from ip_monitor.domain.ballots import Electorate, Rules
from ip_monitor.domain.checks import Trigger
from ip_monitor.domain.events import SourcesChanged
from ip_monitor.domain.way_out import WayOut
from ip_monitor.resilience.service_health import EFFECTS, HealthLevel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.delivery import Delivery
    from ip_monitor.application.ports import Clock
    from ip_monitor.application.standing import Standing
    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.settings import Settings

# Enough for a score that means something, and read within a few hundredths of a second at the start.
_RECALLED_BALLOTS = 100


# The setting is for the whole panel; the rest of it is for counting what came and writing it down.
_FOR_ANSWERS = 0.95


class Keeper(IPStorage, BallotStore, Protocol):
    """
    What a monitor writes to.
    """


class Asking:
    """
    Made anew when the settings change. `start` must have ended before anything is asked.

    Args:
        specs: whom to ask; None takes what the settings say.
        keeper: what the monitor writes to; nothing, for one that only looks.
        storage: keeps what people decided about providers.
        standing: knows which sources keep failing, and how much slower things go while the monitor is in trouble.
    """

    def __init__(
        self,
        settings: Settings,
        specs: Sequence[ProviderSpec] | None,
        *,
        keeper: Keeper,
        storage: SQLiteIPStorage,
        announcer: Announcer,
        delivery: Delivery | None,
        clock: Clock,
        standing: Standing | None = None,
    ) -> None:
        self._chosen = provider_specs(settings) if specs is None else tuple(specs)
        self._spares = spare_specs(settings, self._chosen) if specs is None else ()
        self._storage = storage
        self._announcer = announcer
        self.client = HTTPClient(policy=AddressPolicy(settings.public_ranges), via=WayOut.parse(settings.via))
        self.panel = Panel(
            [],
            clock=clock,
            deadline_s=settings.timeout_s * _FOR_ANSWERS,
            hedge_s=settings.hedge_s or None,
            guard=None if standing is None else standing.sources,
        )
        self.manager = IPAPIManager(
            self.panel,
            store=storage,
            make=lambda spec: provider_for(spec, client=self.client, clock=clock),
            check_host=self.client.resolve,
            on_change=lambda: announcer.tell(SourcesChanged(sources=self.panel.sources)),
        )
        asks_the_world = specs is None and settings.default_providers
        probes = canary_specs(settings) if asks_the_world else ()
        self._probes = tuple(provider_for(spec, client=self.client, clock=clock) for spec in probes)
        self.monitor = Monitor(
            self.panel,
            storage=keeper,
            ballots=keeper,
            announcer=announcer,
            clock=clock,
            schedule=Schedule(
                interval_s=settings.interval_s, retry_s=settings.retry_s, confirm_pause_s=settings.confirm_pause_s
            ),
            rules=_rules,
            sinks=() if delivery is None else delivery.sinks,
            programs=LOUD_SINKS,
            pace=(lambda: EFFECTS[HealthLevel.NORMAL]) if standing is None else standing.pace,
            on_change=(lambda: None) if delivery is None else delivery.wake,
            portal=PortalProbe(self.client) if asks_the_world else None,
        )

        self._wake = SleepWatch(lambda: self.monitor.request_check(Trigger.WAKE), clock=clock)
        self._network = NetworkWatch(lambda: self.monitor.request_check(Trigger.NETWORK), clock=clock)
        self._canary = (
            Canary(
                lambda: self._probes or self.panel.providers,
                known=storage.get_current_ip,
                alarm=self.monitor.request_check,
                clock=clock,
                every_s=settings.canary_s,
            )
            if settings.canary_s
            else None
        )

    async def run(self) -> None:
        """
        Check on schedule and on request, when the canary disagrees, when the machine wakes, and when the kernel tells of
        another address or route, until cancelled.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self.monitor.run(), name="ip-monitor-schedule")
            group.create_task(self._wake.run(), name="ip-monitor-wake")
            group.create_task(self._network.run(), name="ip-monitor-network")
            if self._canary is not None:
                group.create_task(self._canary.run(), name="ip-monitor-canary")

    async def start(self) -> None:
        """
        Raises:
            StorageUnavailableError: what people decided cannot be read.
        """
        await self.manager.start(self._chosen, spares=self._spares)
        self.manager.recall(await self._storage.last_ballots(limit=_RECALLED_BALLOTS))
        self._announcer.add(self.manager)

    async def aclose(self) -> None:
        self._announcer.discard(self.manager)
        await self.monitor.aclose()
        await self.client.aclose()


def _rules(electorate: Electorate) -> Rules:
    """
    Two operators must agree; where there is a single one to ask about a family, that one decides.
    """
    return Rules(minimum_operators=max(1, min(2, len(electorate.weights))))
