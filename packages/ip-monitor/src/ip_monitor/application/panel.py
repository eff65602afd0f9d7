"""
Asking every source at once, within one deadline.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ip_monitor.application.cancellation import cancel_and_wait
from ip_monitor.domain.answers import Answer, Failure, FailureKind
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ip_monitor.application.ports import Clock, Provider
    from ip_monitor.domain.addresses import Family
    from ip_monitor.domain.answers import Source

DEADLINE_S = 5.0


class Panel:
    """
    The enabled providers of all families.

    Args:
        deadline_s: for a whole panel, seconds. Who has not answered by then is silent.
    """

    def __init__(self, providers: Sequence[Provider], *, clock: Clock, deadline_s: float = DEADLINE_S) -> None:
        self._providers = tuple(providers)
        self._clock = clock
        self._deadline_s = deadline_s

    def replace(self, providers: Sequence[Provider]) -> None:
        """
        Ask these from the next panel on; one under way ends with those it began with.
        """
        self._providers = tuple(providers)

    @property
    def providers(self) -> tuple[Provider, ...]:
        return self._providers

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(provider.source for provider in self._providers)

    @property
    def families(self) -> tuple[Family, ...]:
        """
        The families that there is anybody to ask about, IPv4 first.
        """
        return tuple(sorted({source.family for source in self.sources}))

    async def ask(self, families: Iterable[Family], *, on_answer: Callable[[Answer], None]) -> list[Answer]:
        """
        One answer of every provider of `families`, in the order of arrival; silence is an answer of kind timeout.

        Nothing of it is left running when this returns or is cancelled.
        """
        wanted = frozenset(families)
        providers = [provider for provider in self._providers if provider.source.family in wanted]
        started = self._clock.monotonic()
        tasks = {asyncio.ensure_future(self._ask(provider)): provider for provider in providers}
        deadline = asyncio.ensure_future(self._clock.sleep(self._deadline_s))
        answers: list[Answer] = []
        pending: set[asyncio.Future[Any]] = set(tasks)
        try:
            while pending and not deadline.done():
                done, _ = await asyncio.wait({*pending, deadline}, return_when=asyncio.FIRST_COMPLETED)
                # In the order of asking, so that equal inputs give equal records.
                for task in [task for task in tasks if task in done]:
                    pending.discard(task)
                    answers.append(task.result())
                    on_answer(answers[-1])
        finally:
            await cancel_and_wait([*pending, deadline])
        for provider in [provider for task, provider in tasks.items() if task in pending]:
            detail = f"silent until the panel's deadline of {self._deadline_s:g} s"
            answers.append(self._failed(provider, started, Failure(kind=FailureKind.TIMEOUT, detail=detail)))
            on_answer(answers[-1])
        return answers

    async def _ask(self, provider: Provider) -> Answer:
        started = self._clock.monotonic()
        try:
            return await provider.ask()
        except (Exception, asyncio.CancelledError) as error:
            # A defect of one provider must not end the panel, not even one that cancels itself.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            detail = f"{type(error).__name__}: {error}"
            return self._failed(provider, started, Failure(kind=FailureKind.INTERNAL, detail=detail))

    def _failed(self, provider: Provider, started: float, failure: Failure) -> Answer:
        latency_s = max(0.0, self._clock.monotonic() - started)
        return Answer(source=provider.source, at=utc_now(self._clock), latency_s=latency_s, failure=failure)
