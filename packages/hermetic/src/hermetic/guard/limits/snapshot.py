"""
How much of everything there is at one moment; also peaks and differences, which read alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from hermetic.guard.limits.kinds import MEGABYTE, MEMORY, NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSnapshot:
    """
    Numbers of one moment, of a peak (the largest of each), or of a difference (`after - before`, which may be negative).

    `at_s` is `time.monotonic()` in seconds; in a difference, the seconds between. `memory_bytes` is the resident set of
    the process, `descriptors` all that the kernel lists for it; both are None where the system does not tell. The other
    numbers count what the census has seen made, in this process, and what is still open.
    """

    at_s: float
    memory_bytes: int | None = None
    descriptors: int | None = None
    database_connections: int = 0
    open_files: int = 0
    threads: int = 0
    http_connections: int = 0
    async_tasks: int = 0
    child_processes: int = 0

    def value(self, name: str) -> float:
        """
        The number that a limit of this name is compared with: "memory_mb" in units of 1,048,576 bytes, others as they
        are.

        Raises:
            KeyError: nothing is counted under that name.
        """
        if name == MEMORY:
            return (self.memory_bytes or 0) / MEGABYTE
        if name not in NAMES:
            raise KeyError(name)
        return float(getattr(self, name))

    def __sub__(self, earlier: ResourceSnapshot) -> ResourceSnapshot:
        return ResourceSnapshot(
            at_s=self.at_s - earlier.at_s,
            memory_bytes=_less(self.memory_bytes, earlier.memory_bytes),
            descriptors=_less(self.descriptors, earlier.descriptors),
            **{name: getattr(self, name) - getattr(earlier, name) for name in NAMES},
        )

    def largest(self, other: ResourceSnapshot) -> ResourceSnapshot:
        """
        Of each number the larger one; the later of the two times.
        """
        return ResourceSnapshot(
            at_s=max(self.at_s, other.at_s),
            memory_bytes=_more(self.memory_bytes, other.memory_bytes),
            descriptors=_more(self.descriptors, other.descriptors),
            **{name: max(getattr(self, name), getattr(other, name)) for name in NAMES},
        )

    def __str__(self) -> str:
        memory = [] if self.memory_bytes is None else [f"{self.memory_bytes / MEGABYTE:.1f} MB"]
        counts = [f"{getattr(self, name)} {name.replace('_', ' ')}" for name in NAMES if getattr(self, name)]
        return ", ".join([*memory, *counts]) or "nothing"


def _less(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else after - before


def _more(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)
