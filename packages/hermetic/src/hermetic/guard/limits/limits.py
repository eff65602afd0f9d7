"""
Limits as data, checked where they are written; and the scope they make: a block or a function.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import math
import sys
import threading
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from hermetic.guard.limits.error import ResourceLimitError
from hermetic.guard.limits.kinds import LIMITED, MEMORY
from hermetic.guard.limits.monitor import ResourceMonitor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

P = ParamSpec("P")
T = TypeVar("T")

WARN_AT: Final = 0.8


class ResourceLimits:
    """
    How much more of each resource than at the start may be in use at once: a block (`with`, `async with`) or a decorator.

    None sets no limit; 0 allows none. `memory_mb` is in units of 1,048,576 bytes of resident memory, sampled; all others
    are whole numbers, checked whenever one is opened. Use of more than `warn_at` (0 to 1) of a limit is kept as a warning, with 1 never.

    An asynchronous block that passes a limit is cancelled; an ordinary one is judged when it ends. Either way the error
    comes out of the block, after what the block opened and left open has been closed.

    Raises:
        ResourceLimitError: a limit is negative, NaN, no number, or `warn_at` is not from 0 to 1.
        ResourceExhaustionError: (when the block ends) a limit was passed.
    """

    def __init__(
        self,
        *,
        memory_mb: float | None = None,
        database_connections: int | None = None,
        open_files: int | None = None,
        threads: int | None = None,
        http_connections: int | None = None,
        async_tasks: int | None = None,
        child_processes: int | None = None,
        warn_at: float = WARN_AT,
        source: str = "",
    ) -> None:
        caller = sys._getframe(1)  # noqa: SLF001 - whoever reads the error must find the limit
        self.source = source or f"the limits in {caller.f_code.co_filename}:{caller.f_lineno}"
        given = (
            memory_mb,
            database_connections,
            open_files,
            threads,
            http_connections,
            async_tasks,
            child_processes,
        )
        names = (
            MEMORY,
            "database_connections",
            "open_files",
            "threads",
            "http_connections",
            "async_tasks",
            "child_processes",
        )
        self.allowed: Mapping[str, float] = MappingProxyType(
            {
                name: _checked(name, value, source=self.source)
                for name, value in zip(names, given, strict=True)
                if value is not None
            }
        )
        self.warn_at = _share(warn_at, source=self.source)
        # By the task or thread that is inside: one set of limits may stand around several at once.
        self._open: dict[int, list[ResourceMonitor]] = {}

    def __repr__(self) -> str:
        words = ", ".join(f"{name}={value:g}" for name, value in self.allowed.items())
        return f"<ResourceLimits {words or 'none'}>"

    def __enter__(self) -> ResourceMonitor:
        return self._push().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pop().__exit__(kind, error, trace)

    async def __aenter__(self) -> ResourceMonitor:
        return await self._push().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pop().__aexit__(kind, error, trace)

    def _push(self) -> ResourceMonitor:
        monitor = ResourceMonitor(self)
        self._open.setdefault(_here(), []).append(monitor)
        return monitor

    def _pop(self) -> ResourceMonitor:
        key = _here()
        monitors = self._open[key]
        monitor = monitors.pop()
        if not monitors:
            del self._open[key]
        return monitor

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """
        The function with these limits around each call.

        Raises:
            TypeError: it is a generator; limits around its making would watch nothing.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} is a generator: put `with ResourceLimits(…)` inside it instead")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def limited_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                async with ResourceMonitor(self):
                    return await function(*args, **kwargs)

            return limited_async  # type: ignore[return-value]  # T is the coroutine that `function` returns

        @functools.wraps(function)
        def limited(*args: P.args, **kwargs: P.kwargs) -> T:
            with ResourceMonitor(self):
                return function(*args, **kwargs)

        return limited


def _here() -> int:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return id(task) if task is not None else -threading.get_ident()


def _checked(name: str, value: object, *, source: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ResourceLimitError(
            name, value, source=source, reason=f"a {type(value).__name__} is no number; give {_unit(name)}"
        )
    if math.isnan(value) or math.isinf(value) or value < 0:
        raise ResourceLimitError(name, value, source=source, reason=f"give {_unit(name)}, or leave it out for no limit")
    if name != MEMORY and value != int(value):
        raise ResourceLimitError(name, value, source=source, reason="a part of one cannot be open; give a whole number")
    return float(value)


def _unit(name: str) -> str:
    return "megabytes from 0 on" if name == MEMORY else "a whole number from 0 on"


def _share(value: object, *, source: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ResourceLimitError("warn_at", value, source=source, reason="give a part of the limit, from 0 to 1")
    return float(value)


def limits_from(words: Mapping[str, Any], *, source: str) -> ResourceLimits:
    """
    Limits by name, as a marker gives them.

    Raises:
        ResourceLimitError: a name or a value is none, with `source`.
    """
    for name, value in words.items():
        if name not in (*LIMITED, "warn_at"):
            import difflib  # noqa: PLC0415 - only for a mistake

            close = difflib.get_close_matches(name, LIMITED, n=1, cutoff=0.5)
            meant = f"did you mean {close[0]}? " if close else ""
            raise ResourceLimitError(
                name, value, source=source, reason=f"there is no such limit; {meant}There are {', '.join(LIMITED)}"
            )
    return ResourceLimits(**words, source=source)
