"""
Asking the sources, within one deadline and no more of them than needed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from ip_monitor.application.cancellation import cancel_and_wait
from ip_monitor.application.hedging import FamilyRound, in_turn
from ip_monitor.domain.answers import Answer, Failure, FailureKind
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ip_monitor.application.hedging import Judge
    from ip_monitor.application.ports import Clock, Provider
    from ip_monitor.domain.addresses import Family
    from ip_monitor.domain.answers import Source

DEADLINE_S = 5.0
HEDGE_S = 0.25


class SourceGuard(Protocol):
    """
    Knows which sources keep failing.
    """

    def is_rested(self, source: Source) -> bool:
        """
        Whether a source should be left alone while others can decide without it.
        """
        ...

    def settle(self, answers: Sequence[Answer]) -> None:
        """
        Learn from a whole panel.
        """
        ...


class Panel:
    """
    The enabled providers of all families.

    Args:
        deadline_s: for a whole panel, seconds. Who has not answered by then is silent.
        hedge_s: after so many seconds without a decision one more operator is asked; None asks all at once and waits
            for all.
        guard: asked who is to be left alone; None leaves nobody alone.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        clock: Clock,
        deadline_s: float = DEADLINE_S,
        hedge_s: float | None = None,
        guard: SourceGuard | None = None,
    ) -> None:
        self._providers = tuple((0, provider) for provider in providers)
        self._clock = clock
        self._deadline_s = deadline_s
        self._hedge_s = hedge_s
        self._guard = guard
        self._turn = 0

    def replace(self, providers: Iterable[tuple[int, Provider]]) -> None:
        """
        Ask these, each with its priority, from the next panel on; one under way ends with those it began with.
        """
        self._providers = tuple(providers)

    @property
    def providers(self) -> tuple[Provider, ...]:
        return tuple(provider for _, provider in self._providers)

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(provider.source for provider in self.providers)

    @property
    def families(self) -> tuple[Family, ...]:
        """
        The families that there is anybody to ask about, IPv4 first.
        """
        return tuple(sorted({source.family for source in self.sources}))

    async def ask(
        self, families: Iterable[Family], *, on_answer: Callable[[Answer], None], judge: Judge | None = None
    ) -> list[Answer]:
        """
        One answer of every provider of `families`, in the order of arrival; silence is an answer of kind timeout, and who
        was not needed any more has one of kind `not_asked`, of which `on_answer` is not told.

        Nothing of it is left running when this returns or is cancelled.

        Args:
            families: whom to ask about.
            on_answer: called with each answer as it arrives.
            judge: tells when a family is decided; without it everybody is asked and waited for.
        """
        asking = _Asking(self, self._rounds(families, judge), on_answer)
        self._turn += 1
        answers = await asking.run(self._clock, deadline_s=self._deadline_s, hedge_s=self._hedge_s)
        if self._guard is not None:
            self._guard.settle(answers)
        return answers

    def _rounds(self, families: Iterable[Family], judge: Judge | None) -> list[FamilyRound]:
        guard = self._guard
        rounds: list[FamilyRound] = []
        for family in sorted(set(families)):
            own = [(priority, one) for priority, one in self._providers if one.source.family is family]
            order = in_turn(
                own, turn=self._turn, is_rested=lambda one: guard is not None and guard.is_rested(one.source)
            )
            rounds.append(FamilyRound(family, order, judge=judge if self._hedge_s else None))
        return rounds

    async def ask_one(self, provider: Provider) -> Answer:
        """
        What one provider says. Never raises but CancelledError.
        """
        started = self._clock.monotonic()
        try:
            return await provider.ask()
        except (Exception, asyncio.CancelledError) as error:
            # A defect of one provider must not end the panel, not even one that cancels itself.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            detail = f"{type(error).__name__}: {error}"
            return self.failed(provider, started, Failure(kind=FailureKind.INTERNAL, detail=detail))

    def failed(self, provider: Provider, started: float, failure: Failure) -> Answer:
        """
        An answer that the panel gives in the place of a provider.
        """
        latency_s = max(0.0, self._clock.monotonic() - started)
        return Answer(source=provider.source, at=utc_now(self._clock), latency_s=latency_s, failure=failure)


class _Asking:
    """
    One panel under way.
    """

    def __init__(self, panel: Panel, rounds: Sequence[FamilyRound], on_answer: Callable[[Answer], None]) -> None:
        self._panel = panel
        self._rounds = {one.family: one for one in rounds}
        self._on_answer = on_answer
        self._pending: dict[asyncio.Future[Answer], Provider] = {}
        self._answers: list[Answer] = []
        self._not_needed: list[Provider] = []

    async def run(self, clock: Clock, *, deadline_s: float, hedge_s: float | None) -> list[Answer]:
        started = clock.monotonic()
        ending: list[asyncio.Future[Any]] = [asyncio.ensure_future(clock.sleep(deadline_s))]
        deadline = ending[0]
        tick: asyncio.Future[None] | None = None
        self._go_on()
        try:
            while self._pending and not deadline.done():
                if tick is None and hedge_s and self._is_anybody_left():
                    tick = asyncio.ensure_future(clock.sleep(hedge_s))
                    ending.append(tick)
                waits = {*self._pending, deadline} if tick is None else {*self._pending, deadline, tick}
                done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                # In the order of asking, so that equal inputs give equal records.
                for task in [task for task in self._pending if task in done]:
                    self._hear(task.result(), self._pending.pop(task))
                is_time = tick is not None and tick.done()
                tick = None if is_time else tick
                ending += self._go_on(one_more=is_time)
        finally:
            await cancel_and_wait([*self._pending, *ending])
        self._close(started, deadline_s)
        return self._answers

    def _is_anybody_left(self) -> bool:
        return any(one.waiting and not one.is_decided for one in self._rounds.values())

    def _hear(self, answer: Answer, provider: Provider) -> None:
        self._answers.append(answer)
        self._rounds[provider.source.family].heard(answer)
        self._on_answer(answer)

    def _go_on(self, *, one_more: bool = False) -> list[asyncio.Future[Answer]]:
        """
        Ask whom the rounds want asked, and leave who is not needed any more; gives what was left.
        """
        left: list[asyncio.Future[Answer]] = []
        for one in self._rounds.values():
            for provider in one.due(one_more=one_more):
                self._pending[asyncio.ensure_future(self._panel.ask_one(provider))] = provider
            if one.is_decided:
                left += [task for task, provider in self._pending.items() if provider.source.family is one.family]
        for task in left:
            task.cancel()
            self._not_needed.append(self._pending.pop(task))
        return left

    def _close(self, started: float, deadline_s: float) -> None:
        """
        An answer for everybody who gave none.
        """
        for provider in self._pending.values():
            detail = f"silent until the panel's deadline of {deadline_s:g} s"
            silent = self._panel.failed(provider, started, Failure(kind=FailureKind.TIMEOUT, detail=detail))
            self._answers.append(silent)
            self._on_answer(silent)
        never = [provider for one in self._rounds.values() for provider in one.waiting]
        for providers, detail in (
            (self._not_needed, "had not answered yet when the others had decided"),
            (never, "was not needed: the others decided"),
        ):
            for provider in providers:
                failure = Failure(kind=FailureKind.NOT_ASKED, detail=detail)
                self._answers.append(self._panel.failed(provider, started, failure))
