"""
What is open at this moment, in lines for a capture: asked from another thread while the program may hang.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.guard.census.site import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.guard.census.census import AnyEntry, Census

_MOST = 20
# Whoever hangs may hang while it judges; then what is told may miss that something is on its way.
_PATIENCE_S = 0.1
# Tasks and threads have their own place in a capture, with what they wait for; to look for mappings, all objects would
# have to be walked.
_ELSEWHERE = frozenset({"asyncio.task", "thread", "mmap", "asyncio.timer", "asyncio.loop", "coroutine.never_awaited"})


def open_resources(census: Census) -> Callable[[], tuple[str, Sequence[str]]]:
    """
    What answers with a title and a line for each open resource, the newest first: which, its line, its owner.
    """
    reader = Reader()

    def told() -> tuple[str, Sequence[str]]:
        is_quiet = census.looking.acquire(timeout=_PATIENCE_S)
        try:
            found = [line for entry in reversed(census.ledger.all()) if (line := _line(entry, reader))]
        finally:
            if is_quiet:
                census.looking.release()
        hidden = len(found) - _MOST
        return "open resources", [*found[:_MOST], *([f"… and {hidden} older ones"] if hidden > 0 else [])]

    return told


def _line(entry: AnyEntry, reader: Reader) -> str:
    tracker = entry.tracker
    if tracker.kind in _ELSEWHERE:
        return ""
    try:
        resource = entry()
        if resource is None or not tracker.is_open(resource):
            return ""
        subject = tracker.subject(resource, entry.note)
        # Of what libraries opened on their own account, the reader knows nothing.
        frame = reader.read(entry.site).innermost if reader.innermost(entry.site) else None
    except Exception:  # noqa: BLE001 - one strange object must not cost the others
        return ""
    place = f"  made at {frame.file}:{frame.line} in {frame.function}" if frame is not None else ""
    return f"{tracker.title} {subject}{place}, of {entry.tenure.owner}"
