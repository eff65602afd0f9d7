"""
The little that the bot must know after a restart: which commands Discord has, where the status message stands, which
server is home. Kept in the database; losing it costs one more registration and one more message.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from ip_monitor.application.ports import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOG = logging.getLogger("ip_monitor")
_PREFIX = "discord_"


class StateStore(Protocol):
    """
    Texts by name that outlive a restart. Raises `StorageUnavailableError` when it cannot.
    """

    async def load_state(self) -> Mapping[str, str]: ...

    async def save_state(self, name: str, value: str | None) -> None: ...


class State:
    """
    What is stored, at hand. `load` first.
    """

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._values: dict[str, str] = {}

    async def load(self) -> None:
        """
        Read it; what cannot be read counts as empty.
        """
        try:
            self._values = dict(await self._store.load_state())
        except StorageUnavailableError as error:
            _LOG.warning("what Discord was told before is not known: %s", error)

    def get(self, name: str) -> str:
        return self._values.get(_PREFIX + name, "")

    async def put(self, name: str, value: str) -> None:
        """
        Keep a value. One that cannot be stored holds until the process ends.
        """
        if self.get(name) == value:
            return
        self._values[_PREFIX + name] = value
        try:
            await self._store.save_state(_PREFIX + name, value)
        except StorageUnavailableError as error:
            _LOG.warning("what Discord was told could not be kept: %s", error)
