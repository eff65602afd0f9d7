"""
Who holds what: a bounded walk along references, done only when there is something to explain.

It answers two questions. Does the value of a living broader fixture hold what a test opened? Then that fixture answers
for it: a pool that opens its connections while tests use it closes them when it is torn down. And does one leaked thing
hold another? Then closing the first would have closed the second, and both are one cause.

The walk stops at modules, classes, event loops, threads' globals and pytest's own objects, since through them everything
holds everything.
"""

from __future__ import annotations

import gc
from collections import deque
from contextvars import Context
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

LIMIT = 20_000
_STOP = (ModuleType, type, CodeType, Context, FrameType, str, bytes, int, float)
# By name, since asyncio may not be loaded. The policy holds child watchers, and those hold every subprocess.
_STOP_BASES = ("AbstractEventLoop", "Runner", "AbstractEventLoopPolicy", "_AbstractEventLoopPolicy")
_STOP_PACKAGES = ("_pytest", "pytest", "hermetic", "pytest_asyncio", "pluggy", "xdist", "logging")
# Servers and their parts are a fixture's own; only the guard holds what others have open.
_WORLD = "hermetic.world."


def reached(start: Sequence[object], wanted: Collection[int], *, limit: int = LIMIT) -> set[int]:
    """
    Which of the objects with these ids those in `start` hold, directly or through others; at most `limit` objects are looked at.
    """
    seen = {id(one) for one in start}
    # Asked about a loop itself, the walk must look into it: the first objects are never stops.
    queue: deque[Any] = deque(child for one in start for child in _held_by(one))
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
    if any(base.__name__ in _STOP_BASES and base.__module__.startswith("asyncio.") for base in cls.__mro__):
        return True
    module: object = getattr(cls, "__module__", "")
    if not isinstance(module, str) or module.startswith(_WORLD):
        return False
    return module.partition(".")[0] in _STOP_PACKAGES
