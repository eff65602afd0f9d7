"""
Storage for a check that only looks, because another process writes the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.application.ports import IPStorage
    from ip_monitor.domain.addresses import Address, Family
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.changes import Change, CurrentAddress


class Onlooker:
    """
    Reads from a storage and writes nothing.
    """

    def __init__(self, storage: IPStorage) -> None:
        self._storage = storage

    async def save_current_ip(
        self, change: Change, *, ballots: Sequence[Ballot] = (), sinks: Sequence[str] = ()
    ) -> None:
        pass

    async def save_ballots(self, ballots: Sequence[Ballot]) -> None:
        pass

    async def load_last_ip(self, family: Family) -> Address | None:
        return await self._storage.load_last_ip(family)

    async def get_current_ip(self, family: Family) -> CurrentAddress | None:
        return await self._storage.get_current_ip(family)

    async def get_ip_history(
        self, *, family: Family | None = None, limit: int = 100, before: str | None = None
    ) -> Sequence[Change]:
        return await self._storage.get_ip_history(family=family, limit=limit, before=before)

    async def ballots_of(self, change_key: str) -> Sequence[Ballot]:  # noqa: ARG002 # the port's signature
        return ()

    async def last_ballots(self, *, family: Family | None = None, limit: int = 1) -> Sequence[Ballot]:  # noqa: ARG002
        return ()

    async def close(self) -> None:
        await self._storage.close()
