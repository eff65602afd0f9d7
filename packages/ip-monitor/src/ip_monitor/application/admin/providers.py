"""
The providers: see, add, remove, switch, order, test, and how they do.

A name is a provider's own, such as `Amazon IPv4`, or without the family, `Amazon`, for all of that name. Capital letters do
not matter.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ip_monitor.application.providers import UnknownSourceError
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import SourceRefusedError
from ip_monitor.domain.providers import USUAL_TIMEOUT_S, ProviderSpec, ReplyFormat

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ip_monitor.application.admin.audit import Auditor
    from ip_monitor.application.admin.ports import Engine
    from ip_monitor.application.providers import IPAPIManager, ManagedProvider
    from ip_monitor.domain.answers import Answer
    from ip_monitor.domain.audit import Actor
    from ip_monitor.domain.performance import SourceStatistics

_FAMILIES = {"ipv4": (Family.V4,), "ipv6": (Family.V6,), "both": (Family.V4, Family.V6)}
FamilyChoice = Literal["ipv4", "ipv6", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderView:
    """
    Attributes:
        url: without its query, which may hold a key.
        weight: of its operator's vote.
        priority: 0 to 1000; higher ones are asked and listed first.
        is_custom: added by hand, and therefore removable.
    """

    name: str
    operator: str
    family: str
    transport: str
    url: str
    format: str
    weight: float
    timeout_s: float
    is_enabled: bool
    priority: int
    is_custom: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """
    What a provider said when asked alone. `failure` is the kind of failure, `detail` its words; both empty with an
    address.
    """

    provider: str
    latency_s: float
    address: str | None
    failure: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRank:
    """
    `rank` counts from 1, the best score first. See `ip_monitor.domain.performance` for the formula.
    """

    rank: int
    provider: str
    is_enabled: bool
    statistics: SourceStatistics


class ProviderAdmin:
    """
    Use cases of the providers. What is decided is in the database, and in force with the next check.
    """

    def __init__(self, engine: Engine, auditor: Auditor) -> None:
        self._engine = engine
        self._auditor = auditor

    async def list(self) -> tuple[ProviderView, ...]:
        """
        All, the enabled ones first, then by priority, then in the order in which they became known.
        """
        return tuple(_view(one) for one in self._manager.list())

    async def add(
        self,
        name: str,
        url: str,
        *,
        by: Actor,
        family: FamilyChoice = "ipv4",
        format: str = "auto",  # noqa: A002 # what the settings file calls it too
        path: str = "",
        operator: str = "",
        weight: float | None = None,
        allow_plain_http: bool = False,
        allow_private_address: bool = False,
    ) -> tuple[ProviderView, ...]:
        """
        Add one, or with both families two of one name. Its server's name is resolved, and every address it has must be
        public, now and at each question later.

        Args:
            name: 1 to 40 letters, digits, spaces, dots, underscores or hyphens.
            url: `https://…`, or one of the other schemes of `ip_monitor.domain.providers`.
            by: who asks.
            family: which addresses it tells.
            format: auto, text, json or trace.
            path: where in JSON the address is.
            operator: who runs it, the name when empty. Providers of one operator share a vote.
            weight: 0 to 100; None for the transport's own.
            allow_plain_http: let anybody on the way forge its replies.
            allow_private_address: let its server be on an internal address. A door into the own network: offer it only
                to who may administer the machine.

        Raises:
            SourceRefusedError: a field that cannot be used.
            ProviderRefusedError: a name that is taken, or a server that must not be reached; names the rule.
        """
        async with self._auditor.act(by, "providers.add", name) as act:
            if format not in set(ReplyFormat):
                listed = ", ".join(one.value for one in ReplyFormat)
                raise SourceRefusedError(f"provider {name[:40]!r}: format is {format[:20]!r}; use one of {listed}.")
            specs = [
                ProviderSpec(
                    name=f"{name} {one.label}",
                    operator=operator or name,
                    url=url,
                    family=one,
                    format=ReplyFormat(format),
                    json_path=path,
                    weight=weight,
                    refused_ranges=self._engine.refused_ranges,
                    timeout_s=min(USUAL_TIMEOUT_S, self._engine.settings.timeout_s),
                    allow_plain_http=allow_plain_http,
                    allow_private_address=allow_private_address,
                )
                for one in _FAMILIES[family]
            ]
            added = await self._manager.add(*specs)
            act.after = ", ".join(_view(one).url for one in added)
            return tuple(_view(one) for one in added)

    async def remove(self, name: str, *, by: Actor) -> tuple[str, ...]:
        """
        Remove what was added by hand; gives the names that went.

        Raises:
            UnknownSourceError, ProviderRefusedError: there is none, it is not removable, or nobody would be left.
        """
        async with self._auditor.act(by, "providers.remove", name) as act:
            names = [one.spec.name for one in self._named(name)]
            act.before = ", ".join(names)
            for each in names:
                await self._manager.remove(each)
            return tuple(names)

    async def enable(self, name: str, *, by: Actor) -> tuple[ProviderView, ...]:
        """
        Raises:
            UnknownSourceError: there is none.
        """
        return await self._decide("enable", name, self._manager.enable, by=by, after="enabled")

    async def disable(self, name: str, *, by: Actor) -> tuple[ProviderView, ...]:
        """
        Raises:
            UnknownSourceError, ProviderRefusedError: there is none, or nobody would be left to ask about its family.
        """
        return await self._decide("disable", name, self._manager.disable, by=by, after="disabled")

    async def prioritise(self, name: str, priority: int, *, by: Actor) -> tuple[ProviderView, ...]:
        """
        Raises:
            UnknownSourceError, ProviderRefusedError: there is none, or not 0 to 1000.
        """

        async def decide(each: str) -> ManagedProvider:
            return await self._manager.prioritise(each, priority)

        return await self._decide("prioritise", name, decide, by=by, after=f"priority {priority}")

    async def test(self, name: str | None = None, *, by: Actor) -> tuple[ProviderAnswer, ...]:
        """
        Ask one, or all that are enabled, once. Counts in their statistics and decides nothing.

        Raises:
            UnknownSourceError: there is none.
            RateLimitedError: too many were asked for by hand lately.
        """
        async with self._auditor.act(by, "providers.test", name or "") as act:
            chosen = [one for one in self._manager.list() if one.is_enabled] if name is None else self._named(name)
            self._engine.asks.acquire_nowait()
            answers = await asyncio.gather(*(self._manager.test(one.spec.name) for one in chosen))
            act.after = f"{sum(answer.address is not None for answer in answers)} of {len(answers)} answered"
            return tuple(_answered(answer) for answer in answers)

    async def statistics(self, name: str | None = None) -> tuple[ProviderRank, ...]:
        """
        How all do, or those of one name, the best first. Counts answers of checks that are on record too.

        Raises:
            UnknownSourceError: there is none.
        """
        enabled = {one.spec.name for one in self._manager.list() if one.is_enabled}
        wanted = None if name is None else {one.spec.name for one in self._named(name)}
        ranks = [
            ProviderRank(rank=rank, provider=provider, is_enabled=provider in enabled, statistics=statistics)
            for rank, (provider, statistics) in enumerate(self._manager.ranking(), start=1)
        ]
        return tuple(rank for rank in ranks if wanted is None or rank.provider in wanted)

    @property
    def _manager(self) -> IPAPIManager:
        return self._engine.manager

    def _named(self, name: str) -> Sequence[ManagedProvider]:
        wanted = name.casefold()
        managed = self._manager.list()
        found = [one for one in managed if one.spec.name.casefold() == wanted]
        found = found or [one for one in managed if one.spec.bare_name.casefold() == wanted]
        if not found:
            raise UnknownSourceError(name, {one.spec.bare_name for one in managed})
        return found

    async def _decide(
        self, verb: str, name: str, decide: Callable[[str], Awaitable[ManagedProvider]], *, by: Actor, after: str
    ) -> tuple[ProviderView, ...]:
        async with self._auditor.act(by, f"providers.{verb}", name) as act:
            found = self._named(name)
            act.before = ", ".join(f"{one.spec.name}: {_state(one)}" for one in found)
            decided = [await decide(one.spec.name) for one in found]
            act.after = after
            return tuple(_view(one) for one in decided)


def _state(one: ManagedProvider) -> str:
    return f"{'enabled' if one.is_enabled else 'disabled'}, priority {one.priority}"


def _view(one: ManagedProvider) -> ProviderView:
    spec = one.spec
    return ProviderView(
        name=spec.name,
        operator=spec.operator,
        family=spec.family.label,
        transport=spec.transport.value,
        url=spec.url.partition("?")[0],
        format=spec.format.value,
        weight=spec.source.weight,
        timeout_s=spec.timeout_s,
        is_enabled=one.is_enabled,
        priority=one.priority,
        is_custom=one.is_custom,
    )


def _answered(answer: Answer) -> ProviderAnswer:
    return ProviderAnswer(
        provider=answer.source.name,
        latency_s=round(answer.latency_s, 4),
        address=None if answer.address is None else str(answer.address),
        failure="" if answer.failure is None else answer.failure.kind.value,
        detail="" if answer.failure is None else answer.failure.detail,
    )
