"""
Memory shared with files or processes: mappings, shared memory, multiprocessing queues.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard import audit
from hermetic.guard.census.descriptors import identity
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import all_of, at_creation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.descriptors import Identity
    from hermetic.guard.census.tracker import Intake


class MappingMade:
    """
    That an mmap was made; which one, is looked for only when it matters, or when the next one is made. Of a mapped file it
    keeps a descriptor of its own, which stands for the same thing as the one that it was given: `backing`.
    """

    __slots__ = ("backing", "known", "length", "own")

    def __init__(self, length: int, known: frozenset[int], backing: Identity | None) -> None:
        self.backing = backing
        self.length = length
        self.known = known
        self.own: frozenset[int] | None = None

    def settle(self, there: frozenset[int]) -> None:
        """
        The next one is about to be made, and these are there: no later one is mistaken for this.
        """
        self.own = there - self.known

    def objects(self) -> list[Any]:
        return [
            one
            for one in _mappings()
            if (id(one) not in self.known if self.own is None else id(one) in self.own)
            and (not self.length or len(one) == self.length)
        ]


class Mappings(Basic):
    """
    The audit event `mmap.__new__` comes before the object, which has no weak references on every version.
    """

    kind = "mmap"
    noun = "mapping"
    title = "Memory mapping"
    rank = 7
    holds = True
    is_note = True
    remedy = Remedy(text="Map inside a with:", code="with mmap.mmap(file.fileno(), 0) as view:\n    …")

    def install(self, intake: Intake) -> Callable[[], None]:
        last: list[MappingMade] = []

        def making(arguments: tuple[Any, ...]) -> None:
            there = frozenset(map(id, _mappings()))
            for one in last:
                one.settle(there)
            last[:] = [MappingMade(int(arguments[1]), there, identity(int(arguments[0])))]
            intake.opened(self, last[0], skip=3)

        return audit.listen("mmap.__new__", making)

    def is_open(self, resource: MappingMade) -> bool:
        return bool(resource.objects())

    def stands_for(self, resource: MappingMade) -> Sequence[object]:
        return resource.objects()

    def subject(self, resource: MappingMade, note: str) -> str:
        del note
        return ", ".join(safe_repr(one) for one in resource.objects()[:3])

    def mend(self, resource: MappingMade) -> str:
        for one in resource.objects():
            one.close()
        return "closed"


def _mappings() -> list[Any]:
    return [one for one in gc.get_objects() if type(one).__name__ == "mmap" and not one.closed]


class SharedMemory(Basic):
    kind = "multiprocessing.shared_memory"
    noun = "shared memory block"
    title = "Shared memory"
    verb = "never closed and unlinked"
    rank = 9
    remedy = Remedy(
        text="Close it everywhere, and unlink it where it was created:", code="memory.close()\nmemory.unlink()"
    )

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def install(self, intake: Intake) -> Callable[[], None]:
        undoes: list[Callable[[], None]] = []
        self._arrivals.when(
            "multiprocessing.shared_memory",
            lambda module: undoes.append(at_creation(module.SharedMemory, self, intake)),
        )
        return all_of(undoes)

    def is_open(self, resource: Any) -> bool:
        return resource._mmap is not None  # noqa: SLF001 - nothing public tells

    def subject(self, resource: Any, note: str) -> str:
        del note
        return f"{resource.name}, {resource.size} bytes"

    def mend(self, resource: Any) -> str:
        resource.close()
        try:
            resource.unlink()
        except FileNotFoundError:
            return "closed"
        return "closed and unlinked"


class MultiprocessingQueues(Basic):
    kind = "multiprocessing.queue"
    noun = "multiprocessing queue"
    title = "multiprocessing queue"
    rank = 49
    remedy = Remedy(text="Close it and wait for its thread:", code="queue.close()\nqueue.join_thread()")

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def install(self, intake: Intake) -> Callable[[], None]:
        undoes: list[Callable[[], None]] = []
        self._arrivals.when(
            "multiprocessing.queues", lambda module: undoes.append(at_creation(module.Queue, self, intake))
        )
        return all_of(undoes)

    def is_open(self, resource: Any) -> bool:
        # One that was never written to has no thread, and closes with its pipe when it is freed.
        return not resource._closed and resource._thread is not None and resource._thread.is_alive()  # noqa: SLF001 - nothing public tells

    def subject(self, resource: Any, note: str) -> str:
        del note
        return safe_repr(resource)

    def mend(self, resource: Any) -> str:
        resource.cancel_join_thread()
        resource.close()
        resource._thread.join(1.0)  # noqa: SLF001 - join_thread() returns at once after cancel_join_thread()
        return "closed"
