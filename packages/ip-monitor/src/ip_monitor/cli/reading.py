"""
Looking into the database from a command, beside a monitor that may be writing it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
from ip_monitor.settings import load_here

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ip_monitor.settings import Request

T = TypeVar("T")


def read(request: Request, query: Callable[[SQLiteIPStorage], Awaitable[T]]) -> T:
    """
    The result of `query` on the database that the settings name, opened for reading only.

    Raises:
        StorageUnavailableError: there is none, or it cannot be read.
        SettingsError: the settings cannot be used.
    """
    database = load_here(request).settings.database

    async def ask() -> T:
        storage = await SQLiteIPStorage.open(database, read_only=True)
        try:
            return await query(storage)
        finally:
            await storage.close()

    return asyncio.run(ask())
