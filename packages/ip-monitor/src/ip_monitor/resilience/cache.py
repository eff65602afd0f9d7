"""
Remembering what was costly to learn, for a while.

An entry is fresh for `ttl_s` seconds and then stale for `stale_s` more: a stale value is given at once while one load in
the background renews it. However many ask for one key at a time, one load runs. What a load raises is not remembered.
An entry that is invalidated while its load runs stays invalidated: the result goes to those who wait, not into the cache.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from ip_monitor.resilience.clock import Clock

V = TypeVar("V")
_Key = tuple[str, str]


class CacheRefusedError(IPMonitorError, ValueError):
    """
    A setting of a cache out of range.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStatistics:
    """
    Counts are since the start or the last reset; `size` is how many entries there are, fresh or stale.
    """

    size: int
    hits: int
    stale_hits: int
    misses: int
    loads: int
    load_failures: int
    evictions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRecord(Generic[V]):
    """
    One entry as it outlives the process; `stored_at` is wall time, seconds since the epoch.
    """

    namespace: str
    key: str
    value: V
    stored_at: float


@dataclass(slots=True)
class _Entry(Generic[V]):
    value: V
    stored_at: float
    stored_wall: float


class Cache(Generic[V]):
    """
    Args:
        ttl_s: how long an entry is fresh, seconds, above 0.
        stale_s: how long after that it may still be given while it is renewed, seconds, 0 or more.
        capacity: how many entries fit, 1 or more; the least recently used one makes room.
    """

    def __init__(self, *, ttl_s: float, clock: Clock, stale_s: float = 0.0, capacity: int = 1024) -> None:
        if not ttl_s > 0 or not stale_s >= 0:
            raise CacheRefusedError(f"ttl_s is {ttl_s} and stale_s is {stale_s}; give seconds above 0, and 0 or more")
        if capacity < 1:
            raise CacheRefusedError(f"capacity is {capacity}; give it 1 or more")
        self._ttl_s = ttl_s
        self._stale_s = stale_s
        self._capacity = capacity
        self._clock = clock
        self._entries: OrderedDict[_Key, _Entry[V]] = OrderedDict()
        # The load whose result goes into the cache, by key; and all that run, also those whose key was invalidated.
        self._loading: dict[_Key, asyncio.Task[V]] = {}
        self._tasks: set[asyncio.Task[V]] = set()
        self._counts = _Counts()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str, *, namespace: str = "") -> V | None:
        """
        The value while it is fresh, otherwise None.
        """
        entry = self._entries.get((namespace, key))
        if entry is None or self._age_s(entry) >= self._ttl_s:
            self._counts.misses += 1
            return None
        self._entries.move_to_end((namespace, key))
        self._counts.hits += 1
        return entry.value

    def put(self, key: str, value: V, *, namespace: str = "") -> None:
        """
        Remember `value` from now on; a load of the same key that is under way will not replace it.
        """
        self._loading.pop((namespace, key), None)
        self._store((namespace, key), value)

    async def get_or_load(self, key: str, load: Callable[[], Awaitable[V]], *, namespace: str = "") -> V:
        """
        The value, fresh, or stale while it is renewed, or loaded now.

        A caller that is cancelled does not end a load that others wait for.

        Raises:
            Exception: what `load` raises, to all who waited for it, unless a stale value served them.
        """
        full_key = (namespace, key)
        entry = self._entries.get(full_key)
        age_s = self._age_s(entry) if entry is not None else 0.0
        if entry is not None and age_s < self._ttl_s + self._stale_s:
            self._entries.move_to_end(full_key)
            if age_s < self._ttl_s:
                self._counts.hits += 1
            else:
                self._counts.stale_hits += 1
                self._start(full_key, load)
            return entry.value
        self._counts.misses += 1
        return await asyncio.shield(self._start(full_key, load))

    def invalidate(self, key: str, *, namespace: str = "") -> bool:
        """
        Forget one entry, and the result of a load of it that is under way. True when there was an entry.
        """
        self._loading.pop((namespace, key), None)
        return self._entries.pop((namespace, key), None) is not None

    def clear(self, *, namespace: str | None = None) -> int:
        """
        Forget all entries, or those of one namespace; tells how many there were.
        """
        doomed = [key for key in self._entries if namespace is None or key[0] == namespace]
        for loading in [key for key in self._loading if namespace is None or key[0] == namespace]:
            del self._loading[loading]
        for key in doomed:
            del self._entries[key]
        return len(doomed)

    def cleanup(self) -> int:
        """
        Forget what is too old even to be given stale; tells how many there were.
        """
        doomed = [key for key, entry in self._entries.items() if self._age_s(entry) >= self._ttl_s + self._stale_s]
        for key in doomed:
            del self._entries[key]
        return len(doomed)

    def statistics(self) -> CacheStatistics:
        counts = self._counts
        return CacheStatistics(
            size=len(self._entries),
            hits=counts.hits,
            stale_hits=counts.stale_hits,
            misses=counts.misses,
            loads=counts.loads,
            load_failures=counts.load_failures,
            evictions=counts.evictions,
        )

    def records(self) -> list[CacheRecord[V]]:
        """
        What to keep over a restart, least recently used first.
        """
        return [
            CacheRecord(namespace=namespace, key=key, value=entry.value, stored_at=entry.stored_wall)
            for (namespace, key), entry in self._entries.items()
        ]

    def restore(self, records: Iterable[CacheRecord[V]]) -> int:
        """
        Take up records of an earlier process; those that are too old, or from the future because the wall clock jumped,
        are left out. Tells how many were taken.
        """
        taken = 0
        for record in records:
            age_s = self._clock.time() - record.stored_at
            if 0 <= age_s < self._ttl_s + self._stale_s:
                self._store((record.namespace, record.key), record.value, age_s=age_s)
                taken += 1
        return taken

    def reset(self) -> None:
        """
        Empty, with all counts at 0.
        """
        self.clear()
        self._counts = _Counts()

    async def aclose(self) -> None:
        """
        End the loads that run. Idempotent.
        """
        self._loading.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, key: _Key, load: Callable[[], Awaitable[V]]) -> asyncio.Task[V]:
        running = self._loading.get(key)
        if running is None:
            running = self._loading[key] = asyncio.ensure_future(self._load(key, load))
            # Who waits sees what is raised; when a stale value was given nobody waits, and that is fine.
            running.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._tasks.add(running)
            running.add_done_callback(self._tasks.discard)
        return running

    async def _load(self, key: _Key, load: Callable[[], Awaitable[V]]) -> V:
        own = asyncio.current_task()
        self._counts.loads += 1
        try:
            value = await load()
        except BaseException:
            self._counts.load_failures += 1
            if self._loading.get(key) is own:
                del self._loading[key]
            raise
        # Not ours any more: invalidated, cleared or put meanwhile.
        if self._loading.get(key) is own:
            del self._loading[key]
            self._store(key, value)
        return value

    def _store(self, key: _Key, value: V, *, age_s: float = 0.0) -> None:
        self._entries[key] = _Entry(value, self._clock.monotonic() - age_s, self._clock.time() - age_s)
        self._entries.move_to_end(key)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
            self._counts.evictions += 1

    def _age_s(self, entry: _Entry[V]) -> float:
        return self._clock.monotonic() - entry.stored_at


@dataclass(slots=True)
class _Counts:
    hits: int = 0
    stale_hits: int = 0
    misses: int = 0
    loads: int = 0
    load_failures: int = 0
    evictions: int = 0
