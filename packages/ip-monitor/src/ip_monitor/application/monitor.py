"""
The loop: ask, count, confirm, write, and ask again.

A change is a fact only once it is on disk, together with the ballots that decided it and the deliveries that announce
it. Until then the known address stays what it was, so a change that could not be written is seen, and written, again
by the next check. The known address is read from storage in every check and kept nowhere else.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ip_monitor.application.cancellation import cancel_and_wait
from ip_monitor.application.portal_watch import PortalWatch
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.application.schedule import Schedule
from ip_monitor.domain.addresses import is_same_line
from ip_monitor.domain.ballots import Ballot, Electorate, Prospect, Rules, prospect, tally
from ip_monitor.domain.changes import Change
from ip_monitor.domain.checks import Check, Trigger
from ip_monitor.domain.events import (
    AnswerArrived,
    ChangeRecorded,
    CheckFinished,
    CheckStarted,
    ConfirmationStarted,
    HostPartReplaced,
)
from ip_monitor.domain.flapping import RECENT_CHANGES, pool_of
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.resilience.clock import utc_now
from ip_monitor.resilience.service_health import EFFECTS, HealthLevel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.panel import Panel
    from ip_monitor.application.ports import BallotStore, Clock, IPStorage, PortalProbe
    from ip_monitor.domain.addresses import Address, Family
    from ip_monitor.domain.answers import Answer
    from ip_monitor.domain.changes import CurrentAddress
    from ip_monitor.resilience.service_health import Effects

# A new address, its confirmation, and one more when the two panels saw different new ones.
_MOST_ROUNDS = 3


def new_key() -> str:
    """
    A key for a change: 16 hexadecimal digits, unique for all time.
    """
    return secrets.token_hex(8)


@dataclass(slots=True)
class _Course:
    """
    What a running check has so far.
    """

    number: int
    known: Mapping[Family, CurrentAddress]
    rounds: dict[Family, list[Ballot]] = field(default_factory=lambda: defaultdict(list))

    def previous(self, family: Family) -> Address | None:
        current = self.known.get(family)
        return None if current is None else current.address

    def open_families(self) -> tuple[Family, ...]:
        """
        The families whose last ballot saw a new address that the one before did not see yet.
        """
        return tuple(
            family
            for family, ballots in self.rounds.items()
            if ballots[-1].verdict.kind.is_new and not _agree(ballots) and len(ballots) < _MOST_ROUNDS
        )

    def confirmed(self) -> tuple[Family, ...]:
        return tuple(
            family for family, ballots in self.rounds.items() if ballots[-1].verdict.kind.is_new and _agree(ballots)
        )

    def unconfirmed(self) -> tuple[Family, ...]:
        seen = [family for family, ballots in self.rounds.items() if any(b.verdict.kind.is_new for b in ballots)]
        return tuple(family for family in seen if family not in self.confirmed())


def _agree(ballots: Sequence[Ballot]) -> bool:
    return len(ballots) > 1 and is_same_line(ballots[-1].verdict.address, ballots[-2].verdict.address)


class Monitor:
    """
    Checks on schedule and on request. One check runs at a time; who asks for one while it runs shares its result.

    Args:
        panel: whom to ask.
        storage: keeps changes; also keeps ballots.
        announcer: tells observers.
        sinks: the names under which a change's deliveries are written.
        programs: those of them that hear of every change; the others, of people, hear of a pool once.
        on_change: called after a change is on disk, to wake the delivery.
        rules: from who is asked about a family to what its votes need.
        portal: asked when nobody gave an address.
        pace: how much slower things go while the monitor is in trouble.
        rng: shortens intervals.
        make_key: keys of changes.
    """

    def __init__(
        self,
        panel: Panel,
        *,
        storage: IPStorage,
        ballots: BallotStore,
        announcer: Announcer,
        clock: Clock,
        schedule: Schedule | None = None,
        rules: Callable[[Electorate], Rules] = lambda _: Rules(),
        sinks: Sequence[str] = (),
        programs: Collection[str] = (),
        on_change: Callable[[], None] = lambda: None,
        portal: PortalProbe | None = None,
        pace: Callable[[], Effects] = lambda: EFFECTS[HealthLevel.NORMAL],
        rng: random.Random | None = None,
        make_key: Callable[[], str] = new_key,
    ) -> None:
        self._panel = panel
        self._storage = storage
        self._ballots = ballots
        self._announcer = announcer
        self._clock = clock
        self._schedule = schedule or Schedule()
        self._rules = rules
        self._sinks = tuple(sinks)
        self._programs = frozenset(programs)
        self._on_change = on_change
        self._portal = portal
        self._pace = pace
        # Spreads load; nothing secret depends on it.
        self._rng = rng or random.Random()  # noqa: S311
        self._make_key = make_key
        self._number = 0
        self._unsettled = 0
        self._running: asyncio.Task[Check] | None = None
        self._due: float | None = None
        self._began = 0.0
        self._poke = asyncio.Event()
        self._requested: Trigger | None = None

    async def check(self, trigger: Trigger = Trigger.REQUEST) -> Check:
        """
        Run one check, or join the one that runs. Cancelling the caller does not end a check that others may share.

        Raises:
            StorageUnavailableError: the known address cannot be read, or a change cannot be written. A change that
                was not written is not announced, and the next check finds it again.
        """
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._check(trigger), name="ip-monitor-check")
        return await asyncio.shield(self._running)

    def request_check(self, trigger: Trigger = Trigger.REQUEST) -> None:
        """
        Make the running loop check now. Several requests before it does are one.
        """
        self._requested = trigger
        self._poke.set()

    async def run(self) -> None:
        """
        Check now, then on schedule, until cancelled. No failure of a check ends it.
        """
        self._due = self._clock.monotonic()
        trigger = Trigger.START
        try:
            while True:
                try:
                    await self.check(trigger)
                    self._announcer.fine("check")
                except Exception as error:  # noqa: BLE001 - the loop outlives any one check
                    self._after_failure(error)
                trigger = await self._next_trigger()
        finally:
            self._due = None
            await self.aclose()

    async def aclose(self) -> None:
        """
        End a check that is running. Idempotent.
        """
        await cancel_and_wait([] if self._running is None else [self._running])

    def _after_failure(self, error: Exception) -> None:
        self._unsettled += 1
        self._reschedule()
        if isinstance(error, StorageUnavailableError):
            self._announcer.trouble("check", what=str(error))
        else:
            self._announcer.trouble(
                "check", what=f"a check failed: {type(error).__name__}: {error}", remedy="This is a defect; report it."
            )

    def _reschedule(self) -> float:
        pace = self._pace()
        delay_s = self._schedule.delay_s(
            self._unsettled, self._rng, interval_factor=pace.interval_factor, retry_factor=pace.retry_factor
        )
        if self._due is not None:
            # From the start of the check: a slow panel must not add to the time a change may go unseen.
            self._due = self._began + delay_s
            self._poke.set()
        return delay_s

    async def _next_trigger(self) -> Trigger:
        while True:
            self._poke.clear()
            if self._requested is not None:
                trigger, self._requested = self._requested, None
                return trigger
            remaining = (self._due or 0.0) - self._clock.monotonic()
            if remaining <= 0:
                return Trigger.SCHEDULE
            await self._sleep_or_poke(remaining)

    async def _sleep_or_poke(self, delay_s: float) -> None:
        waits: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self._clock.sleep(delay_s)),
            asyncio.ensure_future(self._poke.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_and_wait(waits)

    async def _check(self, trigger: Trigger) -> Check:
        self._number += 1
        started_at = utc_now(self._clock)
        self._began = self._clock.monotonic()
        self._announcer.tell(CheckStarted(number=self._number, trigger=trigger, at=started_at))
        families = self._panel.families
        currents = [await self._storage.get_current_ip(family) for family in families]
        course = _Course(self._number, {current.family: current for current in currents if current is not None})
        await self._round(course, families)
        while waiting := course.open_families():
            pause_s = self._schedule.confirm_pause_s
            self._announcer.tell(ConfirmationStarted(check=course.number, families=waiting, pause_s=pause_s))
            await self._clock.sleep(pause_s)
            await self._round(course, waiting)
        changes = await self._write(course)
        check = Check(
            number=course.number,
            trigger=trigger,
            started_at=started_at,
            finished_at=utc_now(self._clock),
            ballots=tuple(course.rounds[family][-1] for family in families),
            changes=changes,
            earlier=tuple(ballot for family in families for ballot in course.rounds[family][:-1]),
            unconfirmed=course.unconfirmed(),
        )
        self._finish(check)
        return check

    def _finish(self, check: Check) -> None:
        for ballot in check.ballots:
            verdict = ballot.verdict
            if verdict.kind is VerdictKind.STABLE and verdict.address not in {None, ballot.previous}:
                self._announcer.tell(HostPartReplaced(ballot=ballot))
        settled = check.kind.is_known and not check.unconfirmed
        self._unsettled = 0 if settled else self._unsettled + 1
        delay_s = self._reschedule()
        next_at = check.started_at + timedelta(seconds=delay_s) if self._due is not None else None
        self._announcer.tell(CheckFinished(check=check, next_at=next_at))

    async def _round(self, course: _Course, families: Iterable[Family]) -> None:
        families = tuple(families)
        number = 1 + max((len(course.rounds[family]) for family in families), default=0)
        watch = PortalWatch(self._portal, families, clock=self._clock)

        def arrived(answer: Answer) -> None:
            watch.saw(answer)
            self._announcer.tell(AnswerArrived(check=course.number, round=number, answer=answer))

        watch.begin()
        try:
            answers = await self._panel.ask(families, on_answer=arrived, judge=self._judge())
            ballots = {family: self._tally(course, family, answers, portal_seen=False) for family in families}
            offline = [family for family, ballot in ballots.items() if ballot.verdict.kind is VerdictKind.OFFLINE]
            watch.ask(offline)
            for family in offline:
                if await watch.is_captive(family):
                    ballots[family] = self._tally(course, family, answers, portal_seen=True)
        finally:
            await watch.aclose()
        for family, ballot in ballots.items():
            course.rounds[family].append(ballot)

    def _judge(self) -> Callable[[Family, Sequence[Answer], Collection[str]], Prospect]:
        """
        How far the answers of a panel have come. Who may vote is settled when the panel begins.
        """
        electorates = {family: Electorate.of(self._panel.sources, family) for family in self._panel.families}
        rules = {family: self._rules(electorate) for family, electorate in electorates.items()}

        def judge(family: Family, answers: Sequence[Answer], under_way: Collection[str]) -> Prospect:
            return prospect(answers, electorates[family], under_way, rules=rules[family])

        return judge

    def _tally(self, course: _Course, family: Family, answers: Sequence[Answer], *, portal_seen: bool) -> Ballot:
        own = [answer for answer in answers if answer.source.family is family]
        electorate = Electorate.of(self._panel.sources, family)
        return tally(
            own,
            electorate,
            course.previous(family),
            at=utc_now(self._clock),
            rules=self._rules(electorate),
            portal_seen=portal_seen,
        )

    async def _write(self, course: _Course) -> tuple[Change, ...]:
        changes: list[Change] = []
        for family in course.confirmed():
            ballots = course.rounds[family]
            verdict = ballots[-1].verdict
            if verdict.address is None:
                continue
            known, at = course.known.get(family), utc_now(self._clock)
            recent = await self._storage.get_ip_history(family=family, limit=RECENT_CHANGES)
            pool = pool_of(recent, previous=course.previous(family), address=verdict.address, at=at)
            change = Change(
                key=self._make_key(),
                address=verdict.address,
                previous=None if known is None else known.address,
                at=at,
                previous_since=None if known is None else known.since,
                operators=verdict.operators,
                pool=() if pool is None else pool.addresses,
            )
            is_news = pool is None or pool.is_new
            sinks = [sink for sink in self._sinks if is_news or sink in self._programs]
            await self._storage.save_current_ip(change, ballots=ballots, sinks=sinks)
            changes.append(change)
            self._announcer.tell(ChangeRecorded(change=change))
            self._on_change()
        rest = [b for family, ballots in course.rounds.items() if family not in course.confirmed() for b in ballots]
        try:
            await self._ballots.save_ballots(rest)
        except StorageUnavailableError as error:
            # The verdicts are known all the same; only `why` will not be able to explain them.
            self._announcer.trouble("storage", what=str(error))
        else:
            self._announcer.fine("storage")
        return tuple(changes)
