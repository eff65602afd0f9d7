"""
The events of `hermetic.guard.reach`, apart from it because most runs have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hermetic.foundation.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideReached(Event):
    """
    Code asked for something outside this machine; `means` is "connect" for a connection to an address, "resolve" for a name.
    """

    kind: ClassVar[str] = "network.outside"

    host: str
    port: int
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOpened(Event):
    """
    An SQLite database was opened; `database` is what was given to connect, as text.
    """

    kind: ClassVar[str] = "sqlite.opened"

    database: str
