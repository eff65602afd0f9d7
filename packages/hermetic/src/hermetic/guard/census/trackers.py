"""
All kinds of resources that the census knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.guard.census.sqlite import SqliteConnections

if TYPE_CHECKING:
    from hermetic.guard.census.tracker import Tracker


def all_trackers() -> list[Tracker]:
    return [SqliteConnections()]
