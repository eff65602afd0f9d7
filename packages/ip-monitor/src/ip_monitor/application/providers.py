"""
The sources of a monitor as people manage them: add, remove, switch, order, test, and see how they do.

What is managed is kept in the database and put to the panel at once. Adding is guarded against being used to reach into
the network the monitor runs in: the server's address must be public, unless the specification names the exception, and it
is checked again at every question, because names can be pointed elsewhere later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ip_monitor.domain.events import CheckFinished
from ip_monitor.domain.performance import Performance
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from ip_monitor.application.panel import Panel
    from ip_monitor.application.ports import Provider
    from ip_monitor.domain.addresses import Family
    from ip_monitor.domain.answers import Answer
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.events import Event
    from ip_monitor.domain.performance import SourceStatistics
    from ip_monitor.domain.providers import ProviderSpec

MOST_PROVIDERS = 64
MOST_PRIORITY = 1000
# What a web service answers on. A monitor that asks any port could be used to look for open ones.
WEB_PORTS = frozenset({80, 443, 8080, 8443})


class ProviderRefusedError(IPMonitorError, ValueError):
    """
    A change to the sources that cannot be made; the text says why.
    """


class UnknownSourceError(IPMonitorError, LookupError):
    """
    There is no source of this name.
    """

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name[:48]
        super().__init__(f"there is no provider {self.name!r}. There are: {', '.join(sorted(known))}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedProvider:
    """
    A source with what people decided about it.

    Attributes:
        priority: among the sources; higher ones are asked and listed first, 0 to 1000.
        is_custom: added by hand, and therefore kept whole in the database and removable; the built-in ones, and those of
            the settings, can only be switched off.
    """

    spec: ProviderSpec
    is_enabled: bool = True
    priority: int = 0
    is_custom: bool = False


class ProviderStore(Protocol):
    """
    Keeps what people decided. Raises `StorageUnavailableError` when it cannot.
    """

    async def load_providers(self) -> Sequence[ManagedProvider]:
        """
        Everything kept, of built-in ones the decisions only by their names.
        """
        ...

    async def save_provider(self, provider: ManagedProvider) -> None:
        """
        Keep one, in the place of an earlier one of its name.
        """
        ...

    async def delete_provider(self, name: str) -> None:
        """
        Forget one.
        """
        ...


class IPAPIManager:
    """
    Observes finished checks for its statistics; give it to the announcer.

    Args:
        panel: gets the enabled sources, highest priority first.
        store: keeps decisions over restarts.
        make: from a specification to the provider that asks so.
        check_host: resolves a specification's server and raises when an address must not be connected to.
        on_change: called after somebody's decision gave the panel other sources.
    """

    def __init__(
        self,
        panel: Panel,
        *,
        store: ProviderStore,
        make: Callable[[ProviderSpec], Provider],
        check_host: Callable[[ProviderSpec], Awaitable[object]],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._panel = panel
        self._store = store
        self._make = make
        self._check_host = check_host
        self._on_change = on_change
        self._managed: dict[str, ManagedProvider] = {}
        self._providers: dict[str, Provider] = {}
        self._performance: dict[str, Performance] = {}

    async def start(self, built_in: Iterable[ProviderSpec], *, spares: Iterable[ProviderSpec] = ()) -> None:
        """
        Put the built-in sources and what the database keeps to the panel; `spares` are known but switched off.

        Where decisions that are kept would leave nobody to ask about a family that the settings want asked, as after
        a change of those, they give way: a monitor that asks nobody would miss every change in silence.

        Raises:
            StorageUnavailableError: what is kept cannot be read.
        """
        built_in = tuple(built_in)
        for spec in built_in:
            self._put(ManagedProvider(spec=spec))
        for spec in spares:
            self._put(ManagedProvider(spec=spec, is_enabled=False))
        families = {spec.family for spec in built_in}
        for kept in await self._store.load_providers():
            known = self._managed.get(kept.spec.name)
            if kept.is_custom and known is None and kept.spec.family in families:
                self._put(kept)
            elif known is not None and not kept.is_custom:
                self._put(replace(known, is_enabled=kept.is_enabled, priority=kept.priority))
        for spec in built_in:
            if not self._is_asked(spec.family):
                self._restore(built_in, spec.family)
        self._put_to_panel()

    def recall(self, ballots: Iterable[Ballot]) -> None:
        """
        Count the answers of ballots on record, so that statistics outlive a restart.
        """
        for ballot in ballots:
            self._count(ballot)

    def list(self) -> tuple[ManagedProvider, ...]:
        """
        All, the enabled ones first, then by priority, then in the order in which they became known.
        """
        return tuple(sorted(self._managed.values(), key=lambda one: (not one.is_enabled, -one.priority)))

    async def add(self, *specs: ProviderSpec) -> tuple[ManagedProvider, ...]:
        """
        Add sources, all or, when one is refused, none.

        Raises:
            ProviderRefusedError: a name is taken, there are too many, or a server must not be reached; nothing was kept.
            StorageUnavailableError: one cannot be kept; it is not asked either.
        """
        for spec in specs:
            if any(name.casefold() == spec.name.casefold() for name in self._managed):
                raise ProviderRefusedError(f"there is a provider {spec.name!r} already. Choose another name.")
        if len(self._managed) + len(specs) > MOST_PROVIDERS:
            raise ProviderRefusedError(f"there are at most {MOST_PROVIDERS} providers. Remove one first.")
        for spec in specs:
            await self._guard(spec)
        return tuple([await self._keep(ManagedProvider(spec=spec, is_custom=True)) for spec in specs])

    async def remove(self, name: str) -> None:
        """
        Raises:
            UnknownSourceError: there is none of this name.
            ProviderRefusedError: it is built in, or nobody would be left to ask about its family.
        """
        managed = self._get(name)
        if not managed.is_custom:
            raise ProviderRefusedError(
                f"{name!r} is built in, or comes from the settings, and cannot be removed. Disable it."
            )
        self._check_somebody_is_left(managed)
        await self._store.delete_provider(name)
        del self._managed[name], self._providers[name]
        self._performance.pop(name, None)
        self._apply()

    async def enable(self, name: str) -> ManagedProvider:
        return await self._keep(replace(self._get(name), is_enabled=True))

    async def disable(self, name: str) -> ManagedProvider:
        """
        Raises:
            ProviderRefusedError: nobody would be left to ask about its family.
        """
        managed = self._get(name)
        self._check_somebody_is_left(managed)
        return await self._keep(replace(managed, is_enabled=False))

    async def prioritise(self, name: str, priority: int) -> ManagedProvider:
        """
        Raises:
            ProviderRefusedError: not 0 to 1000.
        """
        if not 0 <= priority <= MOST_PRIORITY:
            raise ProviderRefusedError(f"priority {priority} is out of range; give it 0 to {MOST_PRIORITY}.")
        return await self._keep(replace(self._get(name), priority=priority))

    async def test(self, name: str) -> Answer:
        """
        Ask one source once, enabled or not. Counts in its statistics and decides nothing.
        """
        self._get(name)
        answer = await self._providers[name].ask()
        self._performance[name].record(answer)
        return answer

    def statistics(self, name: str) -> SourceStatistics:
        self._get(name)
        return self._performance[name].statistics()

    def ranking(self) -> tuple[tuple[str, SourceStatistics], ...]:
        """
        All sources by their score, the best first. See `ip_monitor.domain.performance` for the formula.
        """
        rows = [(name, performance.statistics()) for name, performance in self._performance.items()]
        return tuple(sorted(rows, key=lambda row: (-row[1].score, row[0])))

    def observe(self, event: Event) -> None:
        """
        Count what a finished check's sources answered.
        """
        if isinstance(event, CheckFinished):
            for ballot in (*event.check.earlier, *event.check.ballots):
                self._count(ballot)

    def _count(self, ballot: Ballot) -> None:
        for answer in ballot.answers:
            performance = self._performance.get(answer.source.name)
            if performance is not None:
                performance.record(answer, ballot.verdict)

    async def _guard(self, spec: ProviderSpec) -> None:
        if not spec.allow_private_address and spec.transport.is_web and spec.port not in {None, *WEB_PORTS}:
            listed = ", ".join(str(port) for port in sorted(WEB_PORTS))
            raise ProviderRefusedError(f"port {spec.port} is no web service's. Use one of {listed}.")
        try:
            await self._check_host(spec)
        except OSError as error:
            raise ProviderRefusedError(f"provider {spec.name!r} was not added: {error}") from error

    def _check_somebody_is_left(self, leaving: ManagedProvider) -> None:
        family = leaving.spec.family
        others = [
            one
            for one in self._managed.values()
            if one.is_enabled and one.spec.family is family and one.spec.name != leaving.spec.name
        ]
        if leaving.is_enabled and not others:
            raise ProviderRefusedError(
                f"{leaving.spec.name!r} is the last provider for {family.label}. Enable another one first."
            )

    def _is_asked(self, family: Family) -> bool:
        return any(one.is_enabled and one.spec.family is family for one in self._managed.values())

    def _restore(self, specs: Iterable[ProviderSpec], family: Family) -> None:
        for spec in specs:
            if spec.family is family:
                self._put(replace(self._managed[spec.name], is_enabled=True))

    def _get(self, name: str) -> ManagedProvider:
        try:
            return self._managed[name]
        except KeyError as error:
            raise UnknownSourceError(name, self._managed) from error

    def _put(self, managed: ManagedProvider) -> None:
        name = managed.spec.name
        if name not in self._managed or self._managed[name].spec != managed.spec:
            self._providers[name] = self._make(managed.spec)
            self._performance[name] = Performance()
        self._managed[name] = managed

    async def _keep(self, managed: ManagedProvider) -> ManagedProvider:
        # Kept first: what is not on disk is not in force.
        await self._store.save_provider(managed)
        self._put(managed)
        self._apply()
        return managed

    def _apply(self) -> None:
        self._put_to_panel()
        self._on_change()

    def _put_to_panel(self) -> None:
        self._panel.replace((one.priority, self._providers[one.spec.name]) for one in self.list() if one.is_enabled)
