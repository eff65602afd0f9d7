"""
All kinds of resources that the census knows.

What stands on a module is made only when that module is imported: a run that never uses asyncio pays neither for
loading it nor for watching it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.guard.census.coroutines import Coroutines
from hermetic.guard.census.exit_stacks import ExitStacks
from hermetic.guard.census.files import Files
from hermetic.guard.census.forks import Forks
from hermetic.guard.census.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.descriptors import Descriptors
    from hermetic.guard.census.tracker import Tracker

# Imports inside functions are what this module is about.
# ruff: noqa: PLC0415


def all_trackers(descriptors: Descriptors, *, thread_locks: bool = False) -> list[Tracker]:
    """
    Those that are there from the start; locks of `threading` only when they were asked for.
    """
    found: list[Tracker] = [Files(), descriptors, ExitStacks(), Coroutines(), Threads(), Forks()]
    if thread_locks:
        from hermetic.guard.census.thread_locks import ThreadLocks

        found.append(ThreadLocks())
    return found


def awaited_trackers(arrivals: Arrivals, *, temporary_below: str = "") -> Mapping[str, Callable[[], Sequence[Tracker]]]:
    """
    By the module whose import makes them necessary, what makes the others. Temporary paths below `temporary_below` are
    the test runner's own.
    """
    return {
        "sqlite3": _sqlite,
        "tempfile": lambda: _temporary(temporary_below),
        "mmap": _mappings,
        "socket": _sockets,
        "subprocess": _subprocesses,
        "concurrent.futures.thread": _thread_pools,
        "concurrent.futures.process": _process_pools,
        "multiprocessing": lambda: _multiprocessing(arrivals),
        "asyncio": lambda: _asyncio(arrivals),
        "uvloop": _uvloop,
        "anyio._backends._asyncio": _anyio,
        "aiosqlite": lambda: _aiosqlite(arrivals),
        "aiohttp": lambda: _aiohttp(arrivals),
        "httpx": lambda: _httpx(arrivals),
        "requests": lambda: _requests(arrivals),
        "urllib3": lambda: _urllib3(arrivals),
    }


def _sqlite() -> list[Tracker]:
    from hermetic.guard.census.sqlite import SqliteConnections

    return [SqliteConnections()]


def _temporary(below: str) -> list[Tracker]:
    from hermetic.guard.census.temporary import TemporaryPaths

    return [TemporaryPaths(kept_below=below)]


def _mappings() -> list[Tracker]:
    from hermetic.guard.census.memory import Mappings

    return [Mappings()]


def _multiprocessing(arrivals: Arrivals) -> list[Tracker]:
    from hermetic.guard.census.memory import MultiprocessingQueues, SharedMemory
    from hermetic.guard.census.multiprocessing_children import MultiprocessingChildren

    return [SharedMemory(arrivals), MultiprocessingQueues(arrivals), MultiprocessingChildren(arrivals)]


def _uvloop() -> list[Tracker]:
    from hermetic.guard.census.uvloop_parts import uvloop_trackers

    return uvloop_trackers()


def _aiosqlite(arrivals: Arrivals) -> list[Tracker]:
    from hermetic.guard.census.aiosqlite_connections import AiosqliteConnections

    return [AiosqliteConnections(arrivals)]


def _aiohttp(arrivals: Arrivals) -> list[Tracker]:
    from hermetic.guard.census.aiohttp_parts import ClientSessions, Connectors, Runners

    return [ClientSessions(arrivals), Connectors(arrivals), Runners(arrivals)]


def _httpx(arrivals: Arrivals) -> list[Tracker]:
    from hermetic.guard.census.http_clients import HttpxClients

    return [HttpxClients(arrivals)]


def _requests(arrivals: Arrivals) -> list[Tracker]:
    from hermetic.guard.census.http_clients import RequestsSessions

    return [RequestsSessions(arrivals)]


def _urllib3(arrivals: Arrivals) -> list[Tracker]:
    from hermetic.guard.census.http_clients import Urllib3Managers, Urllib3Pools

    return [Urllib3Managers(arrivals), Urllib3Pools(arrivals)]


def _sockets() -> list[Tracker]:
    from hermetic.guard.census.sockets import Sockets

    return [Sockets()]


def _subprocesses() -> list[Tracker]:
    from hermetic.guard.census.processes import Subprocesses

    return [Subprocesses()]


def _thread_pools() -> list[Tracker]:
    from hermetic.guard.census.thread_pools import ThreadPools

    return [ThreadPools()]


def _anyio() -> list[Tracker]:
    from hermetic.guard.census.thread_pools import AnyioWorkers

    return [AnyioWorkers()]


def _process_pools() -> list[Tracker]:
    from hermetic.guard.census.process_pools import ProcessPools

    return [ProcessPools()]


def _asyncio(arrivals: Arrivals) -> list[Tracker]:
    from hermetic.guard.census.async_generators import AsyncGenerators
    from hermetic.guard.census.asyncio_state import AsyncioLocks, ScheduledCalls
    from hermetic.guard.census.child_watchers import ChildWatchers
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
        ChildWatchers(),
    ]
