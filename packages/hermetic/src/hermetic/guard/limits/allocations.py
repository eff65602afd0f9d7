"""
Which lines hold memory, as tracemalloc knows it: grouped by the stack that allocated it, without Hermetic's own.
"""

from __future__ import annotations

import contextlib
import gc
import linecache
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.foundation import Frame, Site
from hermetic.guard import late

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from hermetic.guard.census.site import Reader

_HERMETIC = str(Path(__file__).parents[2])
# Of the stacks that hold most, so many are looked at when only the first few lines are wanted.
_LOOKED_AT = 200
_OWN = (_HERMETIC, tracemalloc.__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """
    Memory that one stack allocated and that is held still, or by how much that changed.

    `site` begins with the innermost line of the project's own, or of anybody's where none is. Functions are not known.
    """

    size_bytes: int
    blocks: int
    site: Site

    @property
    def place(self) -> str:
        """
        `file:line` and the source of the line.
        """
        frame = self.site.innermost
        if frame is None:
            return "an unknown line"
        return f"{frame.file}:{frame.line}  {linecache.getline(frame.file, frame.line).strip()}".rstrip()


def load_what_comes_late() -> None:
    """
    Load what the watchdog of a test run needs once a test has gone on for a while.

    In the middle of a measurement it would count as the program's.
    """
    late.load("hermetic.guard.capture.loops")


@contextlib.contextmanager
def tracing(frames: int) -> Generator[None]:
    """
    Trace allocations meanwhile, `frames` deep, unless that is done already.
    """
    is_ours = not tracemalloc.is_tracing()
    if is_ours:
        tracemalloc.start(frames)
    try:
        yield
    finally:
        if is_ours:
            tracemalloc.stop()


def snapshot() -> tracemalloc.Snapshot:
    """
    What is allocated now, after what only cycles hold was freed.
    """
    gc.collect()
    return tracemalloc.take_snapshot()


def grown(before: tracemalloc.Snapshot, after: tracemalloc.Snapshot, reader: Reader) -> list[Allocation]:
    """
    What was allocated between and is held still, by stack, the largest first; shrunken ones come last.
    """
    found = [
        Allocation(size_bytes=one.size_diff, blocks=one.count_diff, site=_site(one.traceback, reader))
        for one in after.compare_to(before, "traceback")
        if one.size_diff and not _is_own(one.traceback)
    ]
    return sorted(found, key=lambda one: -one.size_bytes)


def by_line(found: Sequence[Allocation]) -> list[Allocation]:
    """
    The same, one for each innermost line, the largest first.
    """
    lines: dict[Frame | None, list[Allocation]] = {}
    for one in found:
        lines.setdefault(one.site.innermost, []).append(one)
    joined = [
        Allocation(
            size_bytes=sum(one.size_bytes for one in group), blocks=sum(one.blocks for one in group), site=group[0].site
        )
        for group in lines.values()
    ]
    return sorted(joined, key=lambda one: -one.size_bytes)


def held_now(reader: Reader, *, most: int = 5) -> list[Allocation]:
    """
    The lines that hold most at this moment; empty when allocations are not traced.
    """
    if not tracemalloc.is_tracing():
        return []
    found = tracemalloc.take_snapshot().statistics("traceback")
    kept = [
        Allocation(size_bytes=one.size, blocks=one.count, site=_site(one.traceback, reader))
        for one in found[:_LOOKED_AT]
        if not _is_own(one.traceback)
    ]
    return by_line(kept)[:most]


def _is_own(traceback: tracemalloc.Traceback) -> bool:
    # The innermost frame is the last one. Source: tracemalloc.Traceback, "sorted from the oldest to the most recent".
    return len(traceback) > 0 and traceback[-1].filename.startswith(_OWN)


def _site(traceback: tracemalloc.Traceback, reader: Reader) -> Site:
    frames = [Frame(file=one.filename, line=one.lineno, function="") for one in reversed(list(traceback))]
    users = [frame for frame in frames if reader.is_users(frame.file)]
    return Site(frames=tuple(users or frames), depth_cut=True)
