"""
Several servers as one service: started and stopped together, and broken together in the ways that services break.

Everything that is done to a cluster is an event in its ledger (`http.server`), and whatever of it is random comes from
the cluster's seed, so a run can be read and repeated.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from hermetic.foundation.clock import SystemClock
from hermetic.foundation.stream import stream
from hermetic.world.http import bounds, shapes
from hermetic.world.http.cluster_routing import ClusterRouting
from hermetic.world.http.decisions import ServerChanged
from hermetic.world.http.errors import BadClusterError
from hermetic.world.http.lifetime import Lifetime
from hermetic.world.http.partition import Partition
from hermetic.world.http.server import MockServer
from hermetic.world.http.swizzle import Step, swizzle_plan

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence

    from hermetic.foundation.clock import Clock
    from hermetic.foundation.sink import Sink
    from hermetic.world.http.holds import Way
    from hermetic.world.http.reply import Reply
    from hermetic.world.http.report import StopReport
    from hermetic.world.http.schedule import Schedule


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """
    What the stop of each server found, in the order of the servers.
    """

    servers: tuple[StopReport, ...]

    @property
    def is_clean(self) -> bool:
        return all(report.is_clean for report in self.servers)

    def __str__(self) -> str:
        return "\n".join(map(str, self.servers))


class MockCluster(ClusterRouting, Lifetime):
    """
    Usable as a context manager, plain or asynchronous, whose block fails at its end if a server got requests that no
    route takes. Routes made here are made on every server.

    Args:
        servers: how many ("server-1", …), or their names, in the order in which they take over.
        name: in the ledger, and in the seeds of draws.
        seed: of all draws of all servers; None takes a random one, kept in `seed`.
        standby: what servers that are not the primary answer; None lets them all serve.
        schedule: an explicit schedule to follow in place of draws.
        clock: of all servers.
        sink: where the ledger goes; by default into the stream of the process, which a run with a journal keeps.
        options: as for `MockServer`, for each of them.

    Raises:
        BadClusterError: no name, or one name twice.
    """

    def __init__(
        self,
        servers: int | Sequence[str] = 3,
        *,
        name: str = "cluster",
        seed: int | None = None,
        standby: Reply | None = None,
        schedule: Schedule | None = None,
        clock: Clock | None = None,
        sink: Sink | None = None,
        **options: Any,
    ) -> None:
        if isinstance(servers, int):
            servers = [f"server-{n}" for n in range(1, bounds.count(servers, where="MockCluster(servers)") + 1)]
        names = list(servers)
        if not names or len(set(names)) < len(names) or isinstance(servers, str):
            raise BadClusterError(what=f"servers {servers!r}", why="give a number, or names that differ")
        self.name = name
        self.seed = secrets.randbits(32) if seed is None else seed
        self.clock = clock or SystemClock()
        self._sink = sink or stream
        self._standby = standby
        self._primary = names[0]
        self._swizzles = 0
        self.servers: dict[str, MockServer] = {
            one: MockServer(one, seed=self.seed, schedule=schedule, clock=self.clock, sink=self._sink, **options)
            for one in names
        }

    def __repr__(self) -> str:
        states = ", ".join(
            f"{name}{' (primary)' if name == self._primary else ''} {self._state(name)}" for name in self.servers
        )
        return f"<MockCluster {self.name!r} [{states}]>"

    def _state(self, name: str) -> str:
        server = self.servers[name]
        return "not running" if not server.is_running else "down" if server.is_down else "up"

    # ------------------------------------------------------------ its servers

    def __getitem__(self, name: str) -> MockServer:
        try:
            return self.servers[name]
        except KeyError as error:
            raise BadClusterError(
                what=f"server {name!r}", why=f"the cluster {self.name!r} has {', '.join(self.servers)}"
            ) from error

    def __iter__(self) -> Iterator[MockServer]:
        return iter(self.servers.values())

    def __len__(self) -> int:
        return len(self.servers)

    @property
    def urls(self) -> list[str]:
        """
        Of all servers in their order, whatever their state.
        """
        return [server.url for server in self]

    @property
    def up_names(self) -> list[str]:
        return [name for name, server in self.servers.items() if server.is_running and not server.is_down]

    # ------------------------------------------------------------ life

    async def start(self) -> Self:
        """
        Start all; if one cannot, none is left running.
        """
        try:
            for server in self:
                await server.start()
        except BaseException:
            await self.stop()
            raise
        self._note(self.name, "started", ", ".join(self.servers))
        return self

    def start_blocking(self) -> Self:
        try:
            for server in self:
                server.start_blocking()
        except BaseException:
            self.stop_blocking()
            raise
        self._note(self.name, "started", ", ".join(self.servers))
        return self

    async def stop(self) -> ClusterReport:
        """
        Stop all at once.
        """
        reports = await asyncio.gather(*(server.stop() for server in self))
        self._note(self.name, "stopped")
        return ClusterReport(tuple(reports))

    def stop_blocking(self) -> ClusterReport:
        reports = tuple(server.stop_blocking() for server in self)
        self._note(self.name, "stopped")
        return ClusterReport(reports)

    # ------------------------------------------------------------ down and up, primary and fail-over

    async def down(self, *names: str) -> None:
        """
        Take servers away, all at once: their ports refuse and stay theirs, their connections are reset.
        """
        await asyncio.gather(*(server.down() for server in [self[name] for name in names]))
        for name in names:
            self._note(name, "down")

    async def up(self, *names: str) -> None:
        """
        Bring them back, on the same ports, with all they have seen; without names all that are down.
        """
        chosen = names or tuple(name for name, server in self.servers.items() if server.is_down)
        await asyncio.gather(*(server.up() for server in [self[name] for name in chosen]))
        for name in chosen:
            self._note(name, "up")

    @asynccontextmanager
    async def outage(self, *names: str) -> AsyncGenerator[None]:
        """
        A correlated outage: these go down together (without names all), and come up together at the end of the block.
        """
        chosen = names or tuple(self.servers)
        await self.down(*chosen)
        try:
            yield
        finally:
            await self.up(*chosen)

    def correlated_outages(self, zones: Mapping[str, Collection[str]], *, rate: float, slot_s: float) -> None:
        """
        From now on, in a share `rate` of slots of `slot_s` seconds, all servers of a zone answer with 503 together. This
        takes the place of the servers' own shapes.

        Raises:
            BadClusterError: a zone names a server that there is not.
        """
        chosen = {zone: [self[name] for name in names] for zone, names in zones.items()}
        for zone, servers in chosen.items():
            shape = shapes.correlated_outage(zone, rate=rate, slot_s=slot_s, seed=self.seed)
            for server in servers:
                server.shape(shape)
        self._note(self.name, "correlated outages", f"{', '.join(zones)}: rate {rate:g} of {slot_s:g} s")

    @property
    def primary(self) -> MockServer:
        return self.servers[self._primary]

    async def fail_over(self, to: str | None = None) -> MockServer:
        """
        The primary goes down and another takes its place: `to`, or the next in order that is up.

        Raises:
            BadClusterError: there is none that could, or `to` is down.
        """
        old = self._primary
        self.promote(to or self._next_up(old))
        await self.down(old)
        return self.primary

    def promote(self, name: str) -> None:
        """
        Make another the primary; the old one stays up, as a standby.

        Raises:
            BadClusterError: it is not up.
        """
        if name not in self.up_names and self[name].is_running:
            raise BadClusterError(what=f"promoting {name!r}", why=f"it is {self._state(name)}; bring it up first")
        old, self._primary = self._primary, name
        self._note(name, "promoted", f"in place of {old}")

    def _next_up(self, old: str) -> str:
        order = list(self.servers)
        at = order.index(old)
        for name in (*order[at + 1 :], *order[:at]):
            if self._state(name) == "up":
                return name
        raise BadClusterError(what="fail-over", why=f"no server but {old!r} is up; bring one up first")

    def answers_as_standby(self, server: str) -> Reply | None:
        """
        What this server must answer now because it is not the primary; None when it serves.
        """
        return None if server == self._primary else self._standby

    # ------------------------------------------------------------ partitions, hold and release

    def partition(
        self, clients: str | Collection[str], *, servers: str | Collection[str] = (), way: Way = "both"
    ) -> Partition:
        """
        Cut named clients off from servers (without names from all), until the partition is healed.

        One-way "requests": they do not arrive, and the server knows nothing of them. One-way "replies": the server
        does its work and the client never hears. Clients name themselves by the header `Hermetic-Client`.

        Raises:
            BadClusterError: there is no such server.
            BoundsError: there is no such way.
        """
        who = {clients} if isinstance(clients, str) else set(clients)
        where = [servers] if isinstance(servers, str) else list(servers or self.servers)
        holds = [server.hold(clients=who, way=way) for server in [self[name] for name in where]]
        detail = f"{', '.join(sorted(who))} and {', '.join(where)}: {way}"
        self._note(self.name, "partitioned", detail)
        return Partition(holds, healed=lambda: self._note(self.name, "healed", detail))

    def hold(self, *names: str, way: Way = "requests") -> Partition:
        """
        Hold everyone's messages at these servers (without names at all), until released by `heal()`.
        """
        where = list(names or self.servers)
        holds = [server.hold(way=way) for server in [self[name] for name in where]]
        self._note(self.name, "held", f"{', '.join(where)}: {way}")
        return Partition(holds, healed=lambda: self._note(self.name, "released", f"{', '.join(where)}: {way}"))

    # ------------------------------------------------------------ restarts and swizzles

    async def rolling_restart(
        self, *, between: Callable[[MockServer], Awaitable[None]] | None = None
    ) -> list[StopReport]:
        """
        Stop and start each server in turn on its own port; `between` is awaited after each, to check or to wait.
        """
        reports: list[StopReport] = []
        for name, server in self.servers.items():
            reports.append(await server.stop())
            await server.start()
            self._note(name, "restarted")
            if between is not None:
                await between(server)
        return reports

    def swizzle_plan(self) -> list[Step]:
        """
        The steps that the next `swizzle` will take.
        """
        return swizzle_plan(list(self.servers), seed=self.seed, name=self.name, nth=self._swizzles)

    async def swizzle(self, *, between: Callable[[Step], Awaitable[None]] | None = None) -> list[Step]:
        """
        Take a random subset down one by one, then bring it up one by one in another order: the states in between are
        those that nobody planned for. `between` is awaited after each step. The choice follows from the seed and from
        how many swizzles there were; at the end all of it is up again, also after an error.

        Source: the swizzle-clogging of FoundationDB's simulation.
        """
        steps = self.swizzle_plan()
        self._swizzles += 1
        taken: set[str] = set()
        try:
            for step in steps:
                await (self.down if step.change == "down" else self.up)(step.server)
                taken ^= {step.server}
                if between is not None:
                    await between(step)
        finally:
            if taken:
                await self.up(*taken)
        return steps

    def _note(self, server: str, change: str, detail: str = "") -> None:
        self._sink.emit(ServerChanged(at_s=self.clock.monotonic(), server=server, change=change, detail=detail))


MockServerCluster = MockCluster
