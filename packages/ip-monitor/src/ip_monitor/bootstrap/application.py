"""
The running product: storage, providers, monitor and delivery, joined and taken apart again.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ip_monitor.adapters.providers.defaults import CDN_RANGES
from ip_monitor.adapters.storage.sqlite import Retention, SQLiteIPStorage
from ip_monitor.application.pulse import Pulse
from ip_monitor.application.quiet import QuietTime
from ip_monitor.application.reminders import Reminders
from ip_monitor.application.standing import STANDING, Standing
from ip_monitor.application.upkeep import Upkeep
from ip_monitor.bootstrap.asking import Asking, Keeper
from ip_monitor.bootstrap.discord import has_bot, keep_bot
from ip_monitor.bootstrap.mqtt import has_broker, keep_link
from ip_monitor.bootstrap.onlooker import Onlooker
from ip_monitor.bootstrap.remembering import REMEMBERED, keep_remembered, restore_remembered
from ip_monitor.bootstrap.sinks import LOUD_SINKS, SINK_SETTINGS, notifiers_for
from ip_monitor.bootstrap.sources import provider_specs
from ip_monitor.bootstrap.telling import Telling
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.checks import Trigger
from ip_monitor.domain.events import CheckFinished, SourcesChanged
from ip_monitor.domain.quiet import QuietHours
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.errors import IPMonitorError
from ip_monitor.resilience.cache import Cache
from ip_monitor.resilience.clock import utc_now
from ip_monitor.resilience.rate_limiter import SlidingWindowLimiter

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from ip_monitor.application.admin import Admin
    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.delivery import Delivery
    from ip_monitor.application.ports import Clock, Notifier
    from ip_monitor.application.providers import IPAPIManager
    from ip_monitor.bootstrap.discord import MakeConnector
    from ip_monitor.domain.addresses import Network
    from ip_monitor.domain.answers import Source
    from ip_monitor.domain.changes import Change, CurrentAddress
    from ip_monitor.domain.checks import Check
    from ip_monitor.domain.events import Event
    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.settings import Request, Settings

# How long a single check may go on sending what it found, before it leaves that to the next run.
LAST_WORDS_S = 10.0
# How long a check answers for others that are asked for, and how many may be asked for by hand in a minute.
REMEMBERED_S = 5.0
CHECKS_A_MINUTE = 12

# How often a check is begun again because the settings changed under it.
_TRIES = 3


class InterruptedCheckError(IPMonitorError):
    """
    The settings changed, or the monitor ended, while the check ran.
    """

    def __init__(self) -> None:
        super().__init__("the check was interrupted by a change of the settings or by the end; ask again.")


class Application:
    """
    The joined parts. Made by `assemble`, which also takes them apart.

    Attributes:
        storage: the database, one for the whole life.
        announcer: tells the observers.
        clock: all parts share it.
        request: where the settings were read from; None when they were given by hand.
        quiet: when announcements to people wait.
        pulse: whether checks end when they should.
        standing: how the services around the monitor do.
        checks: the last check, for a few seconds.
        asks: how often people may have the world asked.
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
        request: Request | None,
        make_connector: MakeConnector = None,
    ) -> None:
        self.storage = storage
        self.announcer = announcer
        self.clock = clock
        self.request = request
        self.standing = Standing(clock=clock)
        self.quiet = QuietTime(clock=clock, hours=QuietHours.parse(settings.quiet_hours), loud=LOUD_SINKS)
        self.checks: Cache[Check] = Cache(ttl_s=REMEMBERED_S, clock=clock)
        self.asks = SlidingWindowLimiter("asked for by hand", limit=CHECKS_A_MINUTE, window_s=60.0, clock=clock)
        self._specs = specs
        self._keeper: Keeper = Onlooker(storage) if only_look else storage
        self._only_look = only_look
        self._make_connector = make_connector
        self._telling: Telling | None = None
        self._settings = settings
        self._asking: Asking = self._new_asking(settings)
        self._wanted: Settings | None = None
        self._was_away = False
        self._poke = asyncio.Event()
        # Set when another side asks, or none ever will.
        self._turned = asyncio.Event()
        self._stop = asyncio.Event()
        self.pulse = Pulse(lambda: self.settings, clock=clock)

    async def start(self) -> None:
        """
        Take up what people decided before the last end.

        Raises:
            StorageUnavailableError: that cannot be read.
        """
        if not self._only_look:
            state = await self.storage.load_state()
            # The names are those of the use cases that keep them; importing these would cost what few runs need.
            self.quiet.restore(state.get("muted_until"))
            self.standing.restore(state.get(STANDING))
            restore_remembered(self.checks, state.get(REMEMBERED))
            self._telling = self._new_telling(self._settings, is_stopped="queue_stopped" in state)
            self._asking = self._new_asking(self._settings)
        await self._asking.start()
        for observer in (self.pulse, self.standing, self):
            self.announcer.add(observer)

    def _new_telling(self, settings: Settings, *, is_stopped: bool) -> Telling:
        return Telling(
            settings,
            self.storage,
            self.announcer,
            clock=self.clock,
            quiet=self.quiet,
            standing=self.standing,
            is_stopped=is_stopped,
            now=lambda: self.settings,
            make_connector=self._make_connector,
        )

    def _new_asking(self, settings: Settings) -> Asking:
        return Asking(
            settings,
            self._specs,
            keeper=self._keeper,
            storage=self.storage,
            announcer=self.announcer,
            delivery=self.delivery,
            clock=self.clock,
            standing=self.standing,
        )

    @property
    def settings(self) -> Settings:
        """
        What applies now.
        """
        return self._wanted or self._settings

    @property
    def sources(self) -> tuple[Source, ...]:
        return self._asking.panel.sources

    @property
    def manager(self) -> IPAPIManager:
        return self._asking.manager

    @property
    def delivery(self) -> Delivery | None:
        return self._telling.delivery if self._telling else None

    @property
    def notifiers(self) -> Sequence[Notifier]:
        return self._telling.notifiers if self._telling else ()

    @property
    def refused_ranges(self) -> tuple[Network, ...]:
        return CDN_RANGES

    @cached_property
    def admin(self) -> Admin:
        """
        The use cases of people.
        """
        from ip_monitor.application.admin import Admin  # noqa: PLC0415 # most runs are never asked for anything

        return Admin(self, self.storage)

    def observe(self, event: Event) -> None:
        """
        A check of the schedule answers for those asked for in the next seconds too. With the first one after an outage
        what waits is sent at once.
        """
        if isinstance(event, CheckFinished):
            self.checks.put("last", event.check, namespace="checks")
            is_away = event.check.kind in {VerdictKind.OFFLINE, VerdictKind.CAPTIVE}
            if self._was_away and not is_away and self.delivery is not None:
                self.delivery.revise()
            self._was_away = is_away

    async def check(self, trigger: Trigger = Trigger.REQUEST) -> Check:
        """
        One check, or the one that runs. When the settings change before it is done, it is done again with the new ones.

        Raises:
            InterruptedCheckError: the settings went on changing, or the end came, before it was done.
            StorageUnavailableError: as `Monitor.check`.
        """
        for _ in range(_TRIES):
            asked, turned = self._asking, self._turned
            try:
                return await asked.monitor.check(trigger)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                await turned.wait()  # the old side ends before the new one is there
                if self._asking is asked:
                    break
        raise InterruptedCheckError

    def request_check(self) -> None:
        """
        Make the running monitor check now.
        """
        self._asking.monitor.request_check(Trigger.REQUEST)

    def request_stop(self) -> None:
        """
        Make `run` return.
        """
        self._stop.set()

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
            IPMonitorError: a sink cannot be as they say; the old ones stay.
        """
        if self._specs is None:
            provider_specs(settings)
        if self._telling is not None:
            notifiers_for(settings, clock=self.clock)  # opens nothing; what is refused must not end the run later
        self._wanted = settings
        self._poke.set()

    async def run(self) -> None:
        """
        Check and deliver until cancelled, or until `request_stop`.
        """
        telling = self._start_telling()
        upkeep, beside = self._start_upkeep(), self._start_beside()
        stop = asyncio.create_task(self._stop.wait(), name="ip-monitor-stop-request")
        bot, home = self._start_bot(), self._start_home()
        try:
            while not stop.done():
                asking = asyncio.create_task(self._asking.run(), name="ip-monitor-monitor")
                poke = asyncio.create_task(self._poke.wait(), name="ip-monitor-reconfigure")
                try:
                    waits = {asking, poke, telling, stop}
                    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()  # a defect that ended one of them must not be hidden
                finally:
                    await _end(asking, poke)
                if not stop.done() and await self._take_over(telling):
                    telling = self._start_telling()
        finally:
            self._turned.set()
            await _end(telling, upkeep, beside, stop, bot, home)

    def _start_upkeep(self) -> asyncio.Task[None]:
        async def trim() -> None:
            await self.storage.trim(_retention(self._settings), now=utc_now(self.clock))

        work = Upkeep(trim, announcer=self.announcer, clock=self.clock).run() if self._telling else _nothing()
        return asyncio.create_task(work, name="ip-monitor-upkeep")

    def _start_beside(self) -> asyncio.Task[None]:
        async def work() -> None:
            reminders = Reminders(
                self.storage,
                sinks=lambda: [one.name for one in self.notifiers if one.name not in LOUD_SINKS],
                wake=lambda: self.delivery.wake() if self.delivery else None,
                every_s=lambda: self.settings.remind_every_days * 86_400,
                announcer=self.announcer,
                clock=self.clock,
                may_tell=lambda: not self.standing.health.effects.digest_notices,
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(reminders.run(), name="ip-monitor-reminders")
                group.create_task(self.standing.run(self.storage.save_state), name="ip-monitor-standing")

        return asyncio.create_task(_nothing() if self._only_look else work(), name="ip-monitor-beside")

    def _start_bot(self) -> asyncio.Task[None]:
        wanted = self._telling is not None and has_bot(self._settings)
        work = keep_bot(self, admin=self.admin, make_connector=self._make_connector) if wanted else _nothing()
        return asyncio.create_task(work, name="ip-monitor-bot")

    def _start_home(self) -> asyncio.Task[None]:
        wanted = self._telling is not None and has_broker(self._settings)
        watch = self.admin.watch if wanted else None
        work = (
            _nothing()
            if watch is None
            else keep_link(self._settings, watch=watch, announcer=self.announcer, clock=self.clock)
        )
        return asyncio.create_task(work, name="ip-monitor-home")

    def _start_telling(self) -> asyncio.Task[None]:
        work = self._telling.delivery.run() if self._telling else asyncio.Event().wait()
        return asyncio.create_task(_until_cancelled(work), name="ip-monitor-delivery")

    async def _take_over(self, telling: asyncio.Task[None]) -> bool:
        """
        Make the wanted settings those that apply; tells whether the notifiers were made anew, and `telling` ended for it.
        """
        self._poke.clear()
        before, after = self._settings, self._wanted or self._settings
        self._wanted, self._settings = None, after
        self.quiet.set_hours(QuietHours.parse(after.quiet_hours))
        # A delivery under way is left alone unless its sinks change: cutting it short could send a notice twice.
        renew = self._telling is not None and any(getattr(before, n) != getattr(after, n) for n in SINK_SETTINGS)
        if renew and self._telling is not None:
            is_stopped = self._telling.delivery.is_stopped
            await _end(telling)
            await self._telling.aclose()
            self._telling = self._new_telling(after, is_stopped=is_stopped)
        sources = self.sources
        # Somebody may ask for a check at any time: the old side answers until the new one has somebody to ask.
        asking = self._new_asking(after)
        await asking.start()
        old, self._asking = self._asking, asking
        self._turned.set()
        self._turned = asyncio.Event()
        await old.aclose()
        if self.sources != sources:
            self.announcer.tell(SourcesChanged(sources=self.sources))
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
            await self.standing.keep(self.storage.save_state)
        return check

    async def aclose(self) -> None:
        """
        Close everything but the database. Idempotent.
        """
        self._turned.set()
        if not self._only_look:
            await keep_remembered(self.checks, self.storage)
        await self.checks.aclose()
        await self._asking.aclose()
        self.announcer.discard(self.standing)
        if self._telling is not None:
            await self._telling.aclose()


def _retention(settings: Settings) -> Retention:
    return Retention(
        changes=settings.keep_changes,
        changes_days=settings.keep_changes_days or None,
        ballots=settings.keep_ballots,
        ballots_days=settings.keep_ballots_days or None,
    )


async def _nothing() -> None:
    pass


async def _until_cancelled(work: Coroutine[Any, Any, Any]) -> None:
    await work


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
