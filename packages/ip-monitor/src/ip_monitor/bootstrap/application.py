"""
The running product: storage, providers, monitor and delivery, joined and taken apart again.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.adapters.notifiers.discord_webhook import DiscordWebhookNotifier
from ip_monitor.adapters.notifiers.log import LogNotifier
from ip_monitor.adapters.providers.client import HTTPClient
from ip_monitor.adapters.providers.factory import provider_for
from ip_monitor.adapters.providers.portal import PortalProbe
from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
from ip_monitor.application.announcing import Announcer
from ip_monitor.application.delivery import Delivery
from ip_monitor.application.monitor import Monitor
from ip_monitor.application.panel import Panel
from ip_monitor.application.schedule import Schedule
from ip_monitor.bootstrap.onlooker import Onlooker
from ip_monitor.bootstrap.sources import provider_specs
from ip_monitor.domain.addresses import AddressPolicy, Family
from ip_monitor.domain.ballots import Electorate, Rules
from ip_monitor.domain.checks import Trigger
from ip_monitor.resilience.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ip_monitor.application.ports import Clock, Notifier, Observer
    from ip_monitor.domain.answers import Source
    from ip_monitor.domain.changes import Change, CurrentAddress
    from ip_monitor.domain.checks import Check
    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.settings import Settings

# How long a single check may go on sending what it found, before it leaves that to the next run.
LAST_WORDS_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """
    The joined parts. Made by `assemble`, which also takes them apart.
    """

    monitor: Monitor
    delivery: Delivery
    storage: SQLiteIPStorage
    panel: Panel
    announcer: Announcer

    @property
    def sources(self) -> tuple[Source, ...]:
        return self.panel.sources

    async def known(self) -> tuple[list[CurrentAddress], Sequence[Change]]:
        """
        What storage has at the start: the current addresses and the newest changes, newest first.
        """
        currents = [await self.storage.get_current_ip(family) for family in Family]
        return [one for one in currents if one is not None], await self.storage.get_ip_history(limit=5)

    async def run(self) -> None:
        """
        Check and deliver until cancelled.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self.delivery.run(), name="ip-monitor-delivery")
            group.create_task(self.monitor.run(), name="ip-monitor-monitor")

    async def check_once(self) -> Check:
        """
        One check; then what it found is sent, for `LAST_WORDS_S` at most. What is not sent by then stays queued.
        """
        check = await self.monitor.check(Trigger.REQUEST)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self.delivery.drain()
        return check


@contextlib.asynccontextmanager
async def assemble(
    settings: Settings,
    *,
    observers: Sequence[Observer] = (),
    specs: Sequence[ProviderSpec] | None = None,
    start_anew: bool = False,
    only_look: bool = False,
    clock: Clock | None = None,
) -> AsyncGenerator[Application]:
    """
    Open the database, build the parts; close everything at the end of the block, whatever ended it.

    Args:
        settings: valid settings.
        observers: who is told what happens.
        specs: whom to ask; None takes what the settings say.
        start_anew: a damaged database is kept under another name, and a new one begun.
        only_look: read the database beside the process that writes it; record and announce nothing.
        clock: the machine's own by default.

    Raises:
        StorageUnavailableError: the database cannot be used; its leaves say why.
        UnknownProviderError, NobodyToAskError: the settings leave nobody to ask.
    """
    clock = clock or SystemClock()
    chosen = provider_specs(settings) if specs is None else tuple(specs)
    async with contextlib.AsyncExitStack() as stack:
        storage = await SQLiteIPStorage.open(settings.database, read_only=only_look, start_anew=start_anew, clock=clock)
        stack.push_async_callback(storage.close)
        client = HTTPClient(policy=AddressPolicy(settings.public_ranges))
        stack.push_async_callback(client.aclose)
        keeper = Onlooker(storage) if only_look else storage
        notifiers = [] if only_look else _notifiers(settings)
        for notifier in notifiers:
            stack.push_async_callback(notifier.aclose)
        announcer = Announcer(observers, clock=clock)
        panel = Panel(
            [provider_for(spec, client=client, clock=clock) for spec in chosen],
            clock=clock,
            deadline_s=settings.timeout_s,
        )
        delivery = Delivery(storage, notifiers, announcer=announcer, clock=clock)
        monitor = Monitor(
            panel,
            storage=keeper,
            ballots=keeper,
            announcer=announcer,
            clock=clock,
            schedule=Schedule(
                interval_s=settings.interval_s, retry_s=settings.retry_s, confirm_pause_s=settings.confirm_pause_s
            ),
            rules=_rules(panel),
            sinks=delivery.sinks,
            on_change=delivery.wake,
            portal=PortalProbe(client) if specs is None and settings.default_providers else None,
        )
        stack.push_async_callback(monitor.aclose)
        yield Application(monitor=monitor, delivery=delivery, storage=storage, panel=panel, announcer=announcer)


def _notifiers(settings: Settings) -> list[Notifier]:
    notifiers: list[Notifier] = [LogNotifier()]
    if settings.discord_webhook is not None:
        # The settings let plain HTTP pass only on this machine.
        notifiers.append(DiscordWebhookNotifier(settings.discord_webhook.reveal(), allow_plain_http=True))
    return notifiers


def _rules(panel: Panel) -> Rules:
    """
    Two operators must agree; where some family has a single operator to ask, that one decides.
    """
    fewest = min((len(Electorate.of(panel.sources, family).weights) for family in panel.families), default=2)
    return Rules(minimum_operators=max(1, min(2, fewest)))
