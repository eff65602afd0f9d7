"""
All kinds of resources that the census knows.

What stands on a large part of the standard library is made only when that part is imported: a run that never uses
asyncio does not pay for loading it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.guard.census.aiohttp_parts import ClientSessions, Connectors, Runners
from hermetic.guard.census.aiosqlite_connections import AiosqliteConnections
from hermetic.guard.census.coroutines import Coroutines
from hermetic.guard.census.exit_stacks import ExitStacks
from hermetic.guard.census.files import Descriptors, Files
from hermetic.guard.census.http_clients import HttpxClients, RequestsSessions, Urllib3Managers, Urllib3Pools
from hermetic.guard.census.memory import Mappings, MultiprocessingQueues, SharedMemory
from hermetic.guard.census.multiprocessing_children import MultiprocessingChildren
from hermetic.guard.census.sqlite import SqliteConnections
from hermetic.guard.census.temporary import TemporaryPaths
from hermetic.guard.census.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.tracker import Tracker

# Imports inside functions are what this module is about.
# ruff: noqa: PLC0415


def all_trackers(arrivals: Arrivals, *, temporary_below: str = "") -> list[Tracker]:
    """
    Those that are there from the start. Temporary paths below `temporary_below` are the test runner's own.
    """
    return [
        SqliteConnections(),
        Files(),
        Descriptors(),
        TemporaryPaths(kept_below=temporary_below),
        Mappings(),
        ExitStacks(),
        Coroutines(),
        Threads(),
        SharedMemory(arrivals),
        MultiprocessingQueues(arrivals),
        MultiprocessingChildren(arrivals),
        AiosqliteConnections(arrivals),
        HttpxClients(arrivals),
        RequestsSessions(arrivals),
        Urllib3Managers(arrivals),
        Urllib3Pools(arrivals),
    ]


def awaited_trackers(arrivals: Arrivals) -> Mapping[str, Callable[[], list[Tracker]]]:
    """
    By the module whose import makes them necessary, what makes the others.
    """
    return {
        "socket": _sockets,
        "subprocess": _subprocesses,
        "concurrent.futures.thread": _thread_pools,
        "concurrent.futures.process": _process_pools,
        "asyncio": lambda: _asyncio(arrivals),
        "aiohttp": lambda: [ClientSessions(arrivals), Connectors(arrivals), Runners(arrivals)],
    }


def _sockets() -> list[Tracker]:
    from hermetic.guard.census.sockets import Sockets

    return [Sockets()]


def _subprocesses() -> list[Tracker]:
    from hermetic.guard.census.processes import Subprocesses

    return [Subprocesses()]


def _thread_pools() -> list[Tracker]:
    from hermetic.guard.census.thread_pools import ThreadPools

    return [ThreadPools()]


def _process_pools() -> list[Tracker]:
    from hermetic.guard.census.process_pools import ProcessPools

    return [ProcessPools()]


def _asyncio(arrivals: Arrivals) -> list[Tracker]:
    from hermetic.guard.census.async_generators import AsyncGenerators
    from hermetic.guard.census.asyncio_state import AsyncioLocks, ScheduledCalls
    from hermetic.guard.census.loops import EventLoops
    from hermetic.guard.census.streams import Servers, SubprocessTransports, Transports
    from hermetic.guard.census.tasks import Tasks

    return [
        Tasks(),
        Transports(),
        SubprocessTransports(),
        Servers(),
        AsyncGenerators(),
        EventLoops(arrivals),
        AsyncioLocks(),
        ScheduledCalls(),
    ]
