"""
Named stretches of a test with checkpoints in them.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from hermetic.foundation.stream import stream
from hermetic.guard.census.wording import safe_repr
from hermetic.record.events import Checkpoint, OperationBegan, OperationEnded

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from types import TracebackType
    from typing import Self

    from hermetic.foundation import Sink

P = ParamSpec("P")
T = TypeVar("T")
_around: ContextVar[str] = ContextVar("hermetic_context", default="")
_numbers = itertools.count(1)


class DiagnosticContext:
    """
    A named stretch of a test, for `with` and `async with`: when it began and ended, how, and what was noted on the way.

    Contexts nest: the name of an inner one stands behind those around it ("checkout / payment"), also in tasks that are
    started inside. An exception passes through unchanged, with the last checkpoints added as a note.

    Args:
        name: what is done in it.
        sink: where its events go; by default into the stream of the process.
    """

    def __init__(self, name: str, *, sink: Sink | None = None) -> None:
        self.name = name
        self.checkpoints: list[tuple[str, dict[str, Any]]] = []
        self._sink = sink or stream
        self._number = 0
        self._began = 0.0
        self._token: Token[str] | None = None
        self._path = name

    def checkpoint(self, name: str, **data: Any) -> None:
        """
        Note that the test got here, with values: those of JSON as they are, others as their repr.
        """
        self.checkpoints.append((name, data))
        self._sink.emit(Checkpoint(at_s=monotonic(), name=name, context=self._path, data=data))

    def __enter__(self) -> Self:
        outer = _around.get()
        self._path = f"{outer} / {self.name}" if outer else self.name
        self._token = _around.set(self._path)
        self._number, self._began = next(_numbers), monotonic()
        self._sink.emit(OperationBegan(at_s=self._began, name=self._path, number=self._number, context=outer))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _around.reset(self._token)
            self._token = None
        now = monotonic()
        self._sink.emit(
            OperationEnded(
                at_s=now,
                name=self._path,
                number=self._number,
                outcome=outcome_of(error),
                duration_s=now - self._began,
            )
        )
        if isinstance(error, Exception):
            error.add_note(self._note())

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _note(self) -> str:
        took = f"in {self._path!r}, after {monotonic() - self._began:.3f} s"
        if not self.checkpoints:
            return f"{took}, before any checkpoint"
        reached = [f"{name}{' ' + _text(data) if data else ''}" for name, data in self.checkpoints[-5:]]
        return f"{took}; last checkpoints: {', '.join(reached)}"


def _text(data: dict[str, Any]) -> str:
    try:
        return repr(data)
    except Exception:  # noqa: BLE001 - the error that this is told with must not give way to that of a user's repr
        return f"{{{', '.join(f'{name!r}: {safe_repr(value)}' for name, value in data.items())}}}"


def outcome_of(error: BaseException | None) -> str:
    """
    How an operation ended, by the exception that left it. A cancellation is told by its name: asyncio may not be loaded.
    """
    if error is None:
        return "succeeded"
    names = {cls.__name__ for cls in type(error).__mro__}
    return "cancelled" if "CancelledError" in names else "timed out" if "TimeoutError" in names else "failed"


def with_diagnostics(function: Callable[P, T]) -> Callable[P, T]:
    """
    Run a test, plain or asynchronous, inside a `DiagnosticContext` of its name. Its signature stays, so its fixtures do too.
    """
    name = function.__name__
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run_async(*args: P.args, **kwargs: P.kwargs) -> Any:
            async with DiagnosticContext(name):
                return await function(*args, **kwargs)

        return cast("Callable[P, T]", run_async)

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with DiagnosticContext(name):
            return function(*args, **kwargs)

    return run
