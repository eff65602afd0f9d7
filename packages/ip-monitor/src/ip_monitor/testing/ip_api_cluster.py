"""
Several such services that look at one line, started and stopped together.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from ip_monitor.domain.addresses import Family
from ip_monitor.testing.ip_api_server import MockIPAPIServer
from ip_monitor.testing.line import SimulatedLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from ip_monitor.domain.providers import ProviderSpec


class MockAPICluster:
    """
    An asynchronous context manager over one `MockIPAPIServer` an operator.

    Args:
        operators: each operator's name with the profile it answers like.
        line: the truth that all report; made when None.
        seed: of every server's draws; None takes a random one for each.
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

    async def stop(self) -> None:
        await asyncio.gather(*(server.stop() for server in self))

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
