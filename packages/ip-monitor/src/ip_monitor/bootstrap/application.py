"""
The running product: storage, providers, monitor and delivery, joined and taken apart again.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Protocol

from ip_monitor.adapters.providers.client import HTTPClient
from ip_monitor.adapters.providers.factory import provider_for
from ip_monitor.adapters.providers.portal import PortalProbe
from ip_monitor.adapters.storage.sqlite import Retention, SQLiteIPStorage
from ip_monitor.application.announcing import Announcer
from ip_monitor.application.delivery import Delivery
from ip_monitor.application.monitor import Monitor
from ip_monitor.application.panel import Panel
from ip_monitor.application.ports import BallotStore, IPStorage
from ip_monitor.application.schedule import Schedule
from ip_monitor.application.upkeep import Upkeep
from ip_monitor.bootstrap.onlooker import Onlooker
from ip_monitor.bootstrap.sinks import SINK_SETTINGS, notifiers_for
from ip_monitor.bootstrap.sources import provider_specs
from ip_monitor.domain.addresses import AddressPolicy, Family
from ip_monitor.domain.ballots import Electorate, Rules
from ip_monitor.domain.checks import Trigger
from ip_monitor.resilience.clock import SystemClock, utc_now

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Sequence

    from ip_monitor.application.ports import Clock, Notifier, Observer
    from ip_monitor.domain.answers import Source
    from ip_monitor.domain.changes import Change, CurrentAddress
    from ip_monitor.domain.checks import Check
    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.settings import Settings

# How long a single check may go on sending what it found, before it leaves that to the next run.
LAST_WORDS_S = 10.0


class _Telling:
    """
    The notifiers and the delivery to them.
    """

    def __init__(self, settings: Settings, storage: SQLiteIPStorage, announcer: Announcer, *, clock: Clock) -> None:
        self.notifiers: list[Notifier] = notifiers_for(settings, clock=clock)
        self.delivery = Delivery(storage, self.notifiers, announcer=announcer, clock=clock)

    async def aclose(self) -> None:
        for notifier in self.notifiers:
            await notifier.aclose()


class _Asking:
    """
    The providers, the panel and the monitor over them.
    """

    def __init__(
        self,
        settings: Settings,
        specs: Sequence[ProviderSpec] | None,
        *,
        keeper: _Keeper,
        announcer: Announcer,
        delivery: Delivery | None,
        clock: Clock,
    ) -> None:
        chosen = provider_specs(settings) if specs is None else tuple(specs)
        self.client = HTTPClient(policy=AddressPolicy(settings.public_ranges))
        self.panel = Panel(
            [provider_for(spec, client=self.client, clock=clock) for spec in chosen],
            clock=clock,
            deadline_s=settings.timeout_s,
        )
        asks_the_world = specs is None and settings.default_providers
        self.monitor = Monitor(
            self.panel,
            storage=keeper,
            ballots=keeper,
            announcer=announcer,
            clock=clock,
            schedule=Schedule(
                interval_s=settings.interval_s, retry_s=settings.retry_s, confirm_pause_s=settings.confirm_pause_s
            ),
            rules=_rules(self.panel),
            sinks=() if delivery is None else delivery.sinks,
            on_change=(lambda: None) if delivery is None else delivery.wake,
            portal=PortalProbe(self.client) if asks_the_world else None,
        )

    async def aclose(self) -> None:
        await self.monitor.aclose()
        await self.client.aclose()


class _Keeper(IPStorage, BallotStore, Protocol):
    """
    What a monitor writes to.
    """


class Application:
    """
    The joined parts. Made by `assemble`, which also takes them apart.

    Attributes:
        storage: the database, one for the whole life.
        announcer: tells the observers.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        storage: SQLiteIPStorage,
        announcer: Announcer,
        clock: Clock,
        specs: Sequence[ProviderSpec] | None,
        only_look: bool,
    ) -> None:
        self.storage = storage
        self.announcer = announcer
        self._clock = clock
        self._specs = specs
        self._keeper: _Keeper = Onlooker(storage) if only_look else storage
        self._telling = None if only_look else _Telling(settings, storage, announcer, clock=clock)
        self._settings = settings
        self._asking: _Asking = self._new_asking(settings)
        self._wanted: Settings | None = None
        self._poke = asyncio.Event()

    def _new_asking(self, settings: Settings) -> _Asking:
        return _Asking(
            settings,
            self._specs,
            keeper=self._keeper,
            announcer=self.announcer,
            delivery=self._telling.delivery if self._telling else None,
            clock=self._clock,
        )

    @property
    def settings(self) -> Settings:
        """
        What applies now.
        """
        return self._settings

    @property
    def sources(self) -> tuple[Source, ...]:
        return self._asking.panel.sources

    def request_check(self) -> None:
        """
        Make the running monitor check now.
        """
        self._asking.monitor.request_check(Trigger.REQUEST)

    async def known(self) -> tuple[list[CurrentAddress], Sequence[Change]]:
        """
        What storage has at the start: the current addresses and the newest changes, newest first.
        """
        currents = [await self.storage.get_current_ip(family) for family in Family]
        return [one for one in currents if one is not None], await self.storage.get_ip_history(limit=5)

    def reconfigure(self, settings: Settings) -> None:
        """
        Go on with other settings: the running `run` takes them over, and checks with them at once. The database
        stays the one that is open.

        Raises:
            UnknownProviderError, NobodyToAskError: they leave nobody to ask; the old ones stay.
        """
        if self._specs is None:
            provider_specs(settings)
        self._wanted = settings
        self._poke.set()

    async def run(self) -> None:
        """
        Check and deliver until cancelled.
        """
        telling = self._start_telling()
        upkeep = self._start_upkeep()
        try:
            while True:
                asking = asyncio.create_task(self._asking.monitor.run(), name="ip-monitor-monitor")
                poke = asyncio.create_task(self._poke.wait(), name="ip-monitor-reconfigure")
                try:
                    done, _ = await asyncio.wait({asking, poke, telling}, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()  # a defect that ended one of them must not be hidden
                finally:
                    await _end(asking, poke)
                if await self._take_over():
                    await _end(telling)
                    telling = self._start_telling()
        finally:
            await _end(telling, upkeep)

    def _start_upkeep(self) -> asyncio.Task[None]:
        async def trim() -> None:
            await self.storage.trim(Retention(), now=utc_now(self._clock))

        work = Upkeep(trim, announcer=self.announcer, clock=self._clock).run() if self._telling else _nothing()
        return asyncio.create_task(work, name="ip-monitor-upkeep")

    def _start_telling(self) -> asyncio.Task[None]:
        work = self._telling.delivery.run() if self._telling else asyncio.Event().wait()
        return asyncio.create_task(_until_cancelled(work), name="ip-monitor-delivery")

    async def _take_over(self) -> bool:
        """
        Make the wanted settings those that apply; tells whether the notifiers were made anew.
        """
        self._poke.clear()
        before, after = self._settings, self._wanted or self._settings
        self._wanted, self._settings = None, after
        await self._asking.aclose()
        # A delivery under way is left alone unless its sinks change: cutting it short could send a notice twice.
        renew = self._telling is not None and any(getattr(before, n) != getattr(after, n) for n in SINK_SETTINGS)
        if renew and self._telling is not None:
            await self._telling.aclose()
            self._telling = _Telling(after, self.storage, self.announcer, clock=self._clock)
        self._asking = self._new_asking(after)
        return renew

    async def check_once(self) -> Check:
        """
        One check; then what it found is sent, for `LAST_WORDS_S` at most. What is not sent by then stays queued.
        """
        check = await self._asking.monitor.check(Trigger.REQUEST)
        if self._telling is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_S):
                    await self._telling.delivery.drain()
        return check

    async def aclose(self) -> None:
        """
        Close everything but the database. Idempotent.
        """
        await self._asking.aclose()
        if self._telling is not None:
            await self._telling.aclose()


async def _nothing() -> None:
    pass


async def _until_cancelled(work: Coroutine[Any, Any, Any]) -> None:
    await work


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


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
    if specs is None:
        provider_specs(settings)  # before anything is opened
    async with contextlib.AsyncExitStack() as stack:
        storage = await SQLiteIPStorage.open(settings.database, read_only=only_look, start_anew=start_anew, clock=clock)
        stack.push_async_callback(storage.close)
        announcer = Announcer(observers, clock=clock)
        application = Application(
            settings, storage=storage, announcer=announcer, clock=clock, specs=specs, only_look=only_look
        )
        stack.push_async_callback(application.aclose)
        yield application


def _rules(panel: Panel) -> Rules:
    """
    Two operators must agree; where some family has a single operator to ask, that one decides.
    """
    fewest = min((len(Electorate.of(panel.sources, family).weights) for family in panel.families), default=2)
    return Rules(minimum_operators=max(1, min(2, fewest)))
