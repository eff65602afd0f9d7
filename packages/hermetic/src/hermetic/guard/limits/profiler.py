"""
What grew between two moments: resources by the line that opened them, objects by type, memory by the line that holds it.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Self, cast

from hermetic.guard.census.site import Reader
from hermetic.guard.heap import is_frozen_by_others
from hermetic.guard.limits import flame
from hermetic.guard.limits.allocations import Allocation, grown, load_what_comes_late, snapshot, tracing
from hermetic.guard.limits.kinds import NAMES
from hermetic.guard.limits.monitor import ResourceMonitor

if TYPE_CHECKING:
    import tracemalloc
    from contextlib import AbstractContextManager
    from types import TracebackType

    from hermetic.guard.limits.tally import Holder

_TYPES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class GrownType:
    """
    Objects of one type that are there now and were not before: how many more, and by how many bytes (`sys.getsizeof`,
    without what they hold).

    Only what the garbage collector knows is counted: no bytes, strings or numbers. Nor are tuples while memory is traced,
    since the tables of allocations consist of them.
    """

    name: str
    count: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrownResource:
    """
    `count` more open resources of one kind from one line.
    """

    count: int
    holder: Holder


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceGrowth:
    """
    What grew between two checkpoints, the largest first. `lines` have the stack that allocated, when memory was traced. Of `types`, the
    ten that come first are kept: the program's own before Python's, whose dictionaries and caches come and go by themselves.
    """

    since: str
    until: str
    seconds: float
    resources: tuple[GrownResource, ...]
    types: tuple[GrownType, ...]
    lines: tuple[Allocation, ...]

    @property
    def size_bytes(self) -> int:
        """
        By how much what Python holds grew in all; negative when it shrank.
        """
        return sum(one.size_bytes for one in self.lines)

    def __str__(self) -> str:
        lines = [f"between {self.since!r} and {self.until!r}, {self.seconds:.2f} s:"]
        lines += [f"  {one.count:+} {one.holder.title} from {one.holder.place}" for one in self.resources]
        if self.types:
            lines.append("objects by type:")
            lines += [f"  {one.count:+8,} {one.name}  {flame.size(one.size_bytes, sign=True)}" for one in self.types]
        if self.lines:
            lines.append(f"memory by line, callers above: {flame.size(self.size_bytes, sign=True)}")
            lines += [f"  {line}" for line in flame.table(self.lines)]
        return "\n".join(lines) if len(lines) > 1 else f"{lines[0]} nothing grew"


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    name: str
    at_s: float
    holders: dict[tuple[str, str], Holder]
    types: dict[str, tuple[int, int]]
    memory: tracemalloc.Snapshot | None


class ResourceProfiler:
    """
    Takes checkpoints between `start()` and `stop()`, or as a block, and tells what grew between any two of them.

    A checkpoint collects garbage, walks the objects made since the start and, with `memory`, copies the table of all
    allocations: some 10 to 100 ms each. Tracing allocations makes the program several times slower meanwhile; `frames` is how deep their stacks
    are kept.
    """

    def __init__(self, *, memory: bool = True, frames: int = 12) -> None:
        if frames < 1:
            raise ValueError(f"ResourceProfiler(frames={frames!r}): at least one frame tells where memory is held")
        self._memory = memory
        self._frames = frames
        self._monitor = ResourceMonitor(history=2, cleanup=False)
        self._reader = Reader()
        self._tracing: AbstractContextManager[None] | None = None
        self._checkpoints: dict[str, _Checkpoint] = {}
        self._is_freezing = False

    def start(self) -> Self:
        """
        Begin, with the checkpoint "start".

        Raises:
            RuntimeError: it has been started already.
        """
        load_what_comes_late()
        self._monitor.start()
        gc.collect()
        # What is there already is left out of every walk and collection from here on, which makes both affordable.
        self._is_freezing = not is_frozen_by_others()
        gc.freeze()
        if self._memory:
            self._tracing = tracing(self._frames)
            self._tracing.__enter__()
        self._checkpoints.clear()
        if self._memory:
            snapshot()  # the first one fills caches of its own
        self.checkpoint("start")
        return self

    def stop(self) -> None:
        """
        End, with the checkpoint "end"; growth may still be asked for.
        """
        self.checkpoint("end")
        if self._tracing is not None:
            self._tracing.__exit__(None, None, None)
            self._tracing = None
        if self._is_freezing:
            gc.unfreeze()
        self._monitor.stop()

    def checkpoint(self, name: str) -> None:
        """
        Keep what there is now under this name; a name used before is moved to now.
        """
        gc.collect()
        holders = {(one.title, one.place): one for resource in NAMES for one in self._monitor.holders(resource)}
        self._checkpoints.pop(name, None)
        types = _types()
        memory = snapshot() if self._memory else None
        if memory is not None:
            types.pop("tuple", None)
        self._checkpoints[name] = _Checkpoint(name, monotonic(), holders, types, memory)

    def growth(self, since: str = "start", until: str | None = None) -> ResourceGrowth:
        """
        What grew between two checkpoints; `until` is the last one when it is None.

        Raises:
            KeyError: there is no checkpoint of that name; those there are, are named.
        """
        before = self._known(since)
        after = self._known(until if until is not None else next(reversed(self._checkpoints), "start"))
        return ResourceGrowth(
            since=before.name,
            until=after.name,
            seconds=after.at_s - before.at_s,
            resources=_resources(before, after),
            types=_grown_types(before, after),
            lines=()
            if before.memory is None or after.memory is None
            else tuple(grown(before.memory, after.memory, self._reader)),
        )

    def _known(self, name: str) -> _Checkpoint:
        found = self._checkpoints.get(name)
        if found is None:
            raise KeyError(f"no checkpoint {name!r}; there are {', '.join(map(repr, self._checkpoints)) or 'none'}")
        return found

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _types() -> dict[str, tuple[int, int]]:
    counts: Counter[type[object]] = Counter()
    sizes: Counter[type[object]] = Counter()
    for one in gc.get_objects():
        cls = cast("type[object]", type(one))
        counts[cls] += 1
        sizes[cls] += sys.getsizeof(one, 0)
    found: dict[str, tuple[int, int]] = {}
    for cls, count in counts.items():
        name = f"{cls.__module__}.{cls.__qualname__}".removeprefix("builtins.")
        if not name.startswith(("hermetic.", "tracemalloc.")):
            known = found.get(name, (0, 0))
            found[name] = (known[0] + count, known[1] + sizes[cls])
    return found


def _resources(before: _Checkpoint, after: _Checkpoint) -> tuple[GrownResource, ...]:
    found: list[GrownResource] = []
    for key, holder in after.holders.items():
        known = before.holders.get(key)
        count = holder.count - (known.count if known is not None else 0)
        if count > 0:
            found.append(GrownResource(count=count, holder=holder))
    return tuple(sorted(found, key=lambda one: -one.count))


def _grown_types(before: _Checkpoint, after: _Checkpoint) -> tuple[GrownType, ...]:
    found: list[GrownType] = []
    for name, (count, size) in after.types.items():
        known = before.types.get(name, (0, 0))
        if count > known[0]:
            found.append(GrownType(name=name, count=count - known[0], size_bytes=size - known[1]))
    return tuple(sorted(found, key=lambda one: (_is_pythons(one.name), -one.size_bytes, -one.count))[:_TYPES])


def _is_pythons(name: str) -> bool:
    module, dot, _ = name.partition(".")
    return not dot or module in sys.stdlib_module_names
