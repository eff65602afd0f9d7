"""
The await chain of a coroutine: from the object that is awaited down to the future that has not come.

The interpreter keeps it: a suspended coroutine knows what it awaits (`cr_await`), as do generators (`gi_yieldfrom`) and
asynchronous generators (`ag_await`). Two links are hidden: `agen.__anext__()` and `coro.__await__()` are wrapped in C
objects that show nothing; the garbage collector knows what they refer to, so that is asked.
"""

from __future__ import annotations

import asyncio
import gc
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

_DEEPEST = 500


@dataclass(frozen=True, slots=True)
class Chain:
    """
    Live frames, outermost first, and what the innermost awaits: a future, or an awaitable that cannot be read further.
    """

    frames: tuple[FrameType, ...]
    awaited: object | None


def chain_of(awaitable: object) -> Chain:
    """
    Follow what `awaitable` waits for. A coroutine that runs at this moment ends the chain at its own frame.
    """
    frames: list[FrameType] = []
    seen: set[int] = set()
    current: Any = awaitable
    while current is not None and id(current) not in seen and len(frames) < _DEEPEST:
        seen.add(id(current))
        if asyncio.isfuture(current):
            return Chain(tuple(frames), current)
        frame, following = _step(current)
        if frame is not None:
            frames.append(frame)
        if frame is None and following is None:
            return Chain(tuple(frames), current)
        current = following
    return Chain(tuple(frames), None)


def _step(awaitable: Any) -> tuple[FrameType | None, object | None]:
    if isinstance(awaitable, types.CoroutineType):
        return awaitable.cr_frame, awaitable.cr_await
    if isinstance(awaitable, types.AsyncGeneratorType):
        return awaitable.ag_frame, awaitable.ag_await
    if hasattr(awaitable, "gi_frame"):  # a generator-based coroutine
        return awaitable.gi_frame, getattr(awaitable, "gi_yieldfrom", None)
    if hasattr(awaitable, "cr_frame"):  # a coroutine of another make (Cython)
        return awaitable.cr_frame, getattr(awaitable, "cr_await", None)
    return None, _hidden(awaitable)


def _hidden(awaitable: object) -> object | None:
    return next((one for one in gc.get_referents(awaitable) if _is_link(one)), None)


def _is_link(value: object) -> bool:
    kinds: tuple[type, ...] = (types.CoroutineType, types.AsyncGeneratorType, types.GeneratorType)
    return type(value) in kinds or asyncio.isfuture(value)
