"""
All kinds of resources that the census knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.guard.census.aiohttp_parts import ClientSessions, Connectors, Runners
from hermetic.guard.census.aiosqlite_connections import AiosqliteConnections
from hermetic.guard.census.coroutines import AsyncGenerators, Coroutines
from hermetic.guard.census.loops import EventLoops
from hermetic.guard.census.processes import MultiprocessingChildren, Subprocesses
from hermetic.guard.census.sockets import Sockets
from hermetic.guard.census.sqlite import SqliteConnections
from hermetic.guard.census.streams import Servers, SubprocessTransports, Transports
from hermetic.guard.census.tasks import Tasks
from hermetic.guard.census.threads import ProcessPools, ThreadPools, Threads

if TYPE_CHECKING:
    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.tracker import Tracker


def all_trackers(arrivals: Arrivals) -> list[Tracker]:
    return [
        SqliteConnections(),
        Sockets(),
        Transports(),
        SubprocessTransports(),
        Servers(),
        Tasks(),
        Coroutines(),
        AsyncGenerators(),
        EventLoops(arrivals),
        Threads(),
        ThreadPools(),
        ProcessPools(),
        Subprocesses(),
        MultiprocessingChildren(arrivals),
        AiosqliteConnections(arrivals),
        ClientSessions(arrivals),
        Connectors(arrivals),
        Runners(arrivals),
    ]
