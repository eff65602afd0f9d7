"""
Who holds what: a bounded walk along references, done only when there is something to explain.

It answers two questions. Does the value of a living broader fixture hold what a test opened? Then that fixture answers
for it: a pool that opens its connections while tests use it closes them when it is torn down. And does one leaked thing
hold another? Then closing the first would have closed the second, and both are one cause.

The walk stops at modules, classes, event loops, threads' globals and pytest's own objects, since through them everything
holds everything.
"""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from contextvars import Context
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

LIMIT = 20_000
_STOP = (
    ModuleType,
    type,
    CodeType,
    Context,
    asyncio.AbstractEventLoop,
    asyncio.Runner,
    FrameType,
    str,
    bytes,
    int,
    float,
)
_STOP_PACKAGES = ("_pytest", "pytest", "hermetic", "pytest_asyncio", "pluggy", "xdist", "logging")


def reached(start: object, wanted: Collection[int], *, limit: int = LIMIT) -> set[int]:
    """
    Which of the objects with these ids `start` holds, directly or through others; at most `limit` objects are looked at.
    """
    seen = {id(start)}
    # Asked about a loop itself, the walk must look into it: the first object is never a stop.
    queue: deque[Any] = deque(_held_by(start))
    found: set[int] = set()
    stops: dict[type, bool] = {}
    missing = set(wanted) - seen
    while queue and missing and len(seen) < limit:
        one = queue.popleft()
        key = id(one)
        if key in seen:
            continue
        seen.add(key)
        if key in missing:
            found.add(key)
            missing.discard(key)
        cls = cast("type[object]", type(one))
        stop = stops.get(cls)
        if stop is None:
            stop = stops[cls] = _is_stop(cls)
        if not stop:
            queue.extend(_held_by(one))
    return found


def _held_by(one: object) -> Iterable[object]:
    if isinstance(one, FunctionType):
        # Not its globals: they are the module.
        return (one.__closure__, one.__defaults__, one.__kwdefaults__, one.__dict__)
    if isinstance(one, BuiltinFunctionType):
        return (one.__self__,)
    return gc.get_referents(one)


def _is_stop(cls: Any) -> bool:
    if issubclass(cls, _STOP):
        return True
    # The policy holds child watchers, and those hold every subprocess; its class is on its way out of asyncio.
    if any(base.__name__.endswith("AbstractEventLoopPolicy") for base in cls.__mro__):
        return True
    module: object = getattr(cls, "__module__", "")
    return isinstance(module, str) and module.partition(".")[0] in _STOP_PACKAGES
