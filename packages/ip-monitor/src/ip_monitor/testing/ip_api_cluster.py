"""
Several such services that look at one line, started and stopped together.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from hermetic.world.http.lifetime import Lifetime

from ip_monitor.domain.addresses import Family
from ip_monitor.testing.ip_api_server import MockIPAPIServer
from ip_monitor.testing.line import SimulatedLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ip_monitor.domain.providers import ProviderSpec


class MockAPICluster(Lifetime):
    """
    One `MockIPAPIServer` an operator; a context manager, plain or asynchronous, whose block fails at its end if a
    server got requests that no endpoint takes.

    Args:
        operators: each operator's name with the profile it answers like.
        line: the truth that all report; made when None.
        seed: of every server's draws; None takes a random one for each.

    Raises:
        KeyError: there is no such profile; the text names those that there are.
    """

    def __init__(
        self, operators: Mapping[str, str], *, line: SimulatedLine | None = None, seed: int | None = None
    ) -> None:
        self.line = line or SimulatedLine()
        self.servers = {
            name: MockIPAPIServer(name, line=self.line, profile=profile, seed=seed)
            for name, profile in operators.items()
        }

    def __getitem__(self, operator: str) -> MockIPAPIServer:
        """
        Raises:
            KeyError: there is no such operator; the text names those that there are.
        """
        if operator not in self.servers:
            raise KeyError(f"no operator {operator!r}; the cluster has: {', '.join(self.servers) or 'none'}")
        return self.servers[operator]

    def __iter__(self) -> Iterator[MockIPAPIServer]:
        return iter(self.servers.values())

    def __len__(self) -> int:
        return len(self.servers)

    def specs(self, *families: Family) -> tuple[ProviderSpec, ...]:
        """
        How a monitor is told to ask all of them; IPv4 unless families are named.
        """
        return tuple(server.spec(family) for family in families or (Family.V4,) for server in self)

    async def start(self) -> Self:
        """
        Start all; what was started before one fails is stopped again.
        """
        try:
            for server in self:
                await server.start()
        except BaseException:
            await self.stop()
            raise
        return self

    def start_blocking(self) -> Self:
        """
        `start` for code without a loop.
        """
        try:
            for server in self:
                server.start_blocking()
        except BaseException:
            self.stop_blocking()
            raise
        return self

    async def stop(self) -> None:
        await asyncio.gather(*(server.stop() for server in self))

    def stop_blocking(self) -> None:
        for server in self:
            server.stop_blocking()

    def check_unmatched(self) -> None:
        """
        Raises:
            UnmatchedRequestsError: a server got requests that no endpoint takes.
        """
        for server in self:
            server.check_unmatched()
