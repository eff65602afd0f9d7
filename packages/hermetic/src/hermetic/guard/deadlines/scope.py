"""
The deadline of one operation: a block, a coroutine function or an ordinary function.

In a coroutine the loop's own timer cancels the task, as `asyncio.timeout` does, so that `finally` and `async with` run;
the cancellation is taken back where the scope ends, and what the task waited for is told. Ordinary code is interrupted:
see `hermetic.guard.deadlines.interrupt`.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from contextvars import ContextVar, Token
from time import monotonic
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from hermetic.guard.capture import Capture, take, take_task, waiting
from hermetic.guard.deadlines.blocking import Alarm
from hermetic.guard.deadlines.budget import seconds
from hermetic.guard.deadlines.error import DeadlineExceeded
from hermetic.guard.deadlines.interrupt import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from hermetic.guard.deadlines.statistics import OperationLedger

P = ParamSpec("P")
T = TypeVar("T")

# Which deadlines are open around the code that runs, outermost first; tasks inherit it, so that a deadline that fires in
# a child task can name those of its parents.
_open: ContextVar[tuple[Deadline, ...]] = ContextVar("hermetic_open_deadlines", default=())


class Deadline:
    """
    A time limit for what runs inside it: `async with`, `with`, or a decorator. Made by `deadline()`.

    One instance serves one block; as a decorator it makes a fresh one a call.

    Cancellation from outside passes through unchanged. If the block swallows the cancellation and ends normally, the
    deadline is reported all the same; if it ends with an error of its own, that error is kept, with a note.
    """

    def __init__(self, budget_s: float, *, operation: str, site: str, ledger: OperationLedger | None = None) -> None:
        self.budget_s = budget_s
        self.operation = operation
        self.site = site
        self._ledger = ledger
        self._token: Token[tuple[Deadline, ...]] | None = None
        self._started = 0.0
        self._is_fired = False
        self._capture: Capture | None = None
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self._timer: asyncio.TimerHandle | None = None
        self._alarm: Alarm | None = None

    def __repr__(self) -> str:
        state = "fired" if self._is_fired else "open" if self._token is not None else "closed"
        return f"<Deadline {self.operation!r} {self.budget_s:g} s, {state}>"

    def remaining(self) -> float:
        """
        Seconds left, never below 0; the whole budget when the block has not begun.
        """
        return self.budget_s if self._token is None else max(0.0, self.budget_s - self._elapsed())

    def _elapsed(self) -> float:
        clock = self._task.get_loop().time if self._task is not None else monotonic
        return clock() - self._started

    def _begin(self, now: float) -> None:
        if self._token is not None:
            raise RuntimeError(f"{self!r} is open already: make a deadline for each block")
        self._is_fired = False
        self._started = now
        outer = _open.get()
        self._token = _open.set((*outer, self))

    def _end(self) -> float:
        elapsed = self._elapsed()
        token, self._token = self._token, None
        if token is not None:
            _open.reset(token)
        if self._ledger is not None:
            self._ledger.record(self.operation, elapsed_s=elapsed, budget_s=self.budget_s, timed_out=self._is_fired)
        return elapsed

    def _error(self, elapsed: float, *, is_swallowed: bool) -> DeadlineExceeded:
        capture = self._capture
        return DeadlineExceeded(
            self.operation,
            budget_s=self.budget_s,
            elapsed_s=elapsed,
            site=self.site,
            waiting="" if capture is None else waiting(capture),
            cycles=() if capture is None else capture.cycles,
            within=tuple(f"{one.operation!r} of {one.budget_s:g} s" for one in _open.get() if one is not self),
            is_swallowed=is_swallowed,
        )

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("async with deadline(…) needs a task: run the coroutine with asyncio.run()")
        loop = task.get_loop()
        self._task = task
        self._begin(loop.time())
        self._cancelling = task.cancelling()
        self._timer = loop.call_at(self._started + self.budget_s, self._expire)
        return self

    def _expire(self) -> None:
        assert self._task is not None  # noqa: S101 - set before the timer that calls this
        self._is_fired = True
        # Before the cancellation, which makes the task wait for nothing.
        self._capture = take_task(self._task)
        self._task.cancel(f"deadline {self.operation!r}")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._timer is not None  # noqa: S101 - set by __aenter__
        assert self._task is not None  # noqa: S101 - set by __aenter__
        self._timer.cancel()
        elapsed = self._end()
        if not self._is_fired:
            self._task = None
            return
        left = self._task.uncancel()
        self._task = None
        if kind is None:
            raise self._error(elapsed, is_swallowed=True)
        if left <= self._cancelling and issubclass(kind, asyncio.CancelledError):
            raise self._error(elapsed, is_swallowed=False) from error
        if error is not None and not isinstance(error, asyncio.CancelledError):
            error.add_note(f"The deadline {self.operation!r} of {self.budget_s:g} s had passed.")

    def __enter__(self) -> Self:
        self._begin(monotonic())
        self._alarm = Alarm(self._started + self.budget_s, on_fire=self._fired)
        try:
            self._alarm.start()
        except BaseException:
            self._end()
            raise
        return self

    def _fired(self) -> None:
        self._is_fired = True
        alarm = self._alarm
        self._capture = take(with_threads=True, focus=alarm.ident if alarm is not None else None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._alarm is not None  # noqa: S101 - set by __enter__
        self._alarm.stop()
        elapsed = self._end()
        if not self._is_fired:
            return
        if kind is None:
            raise self._error(elapsed, is_swallowed=True)
        if issubclass(kind, Interrupted):
            raise self._error(elapsed, is_swallowed=False) from error
        if error is not None:
            error.add_note(f"The deadline {self.operation!r} of {self.budget_s:g} s had passed.")

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """
        The function with this deadline around each call: `async` functions are cancelled, others interrupted.

        Raises:
            TypeError: it is a generator; a deadline around its making would watch nothing.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} is a generator: put `with deadline(…)` inside it instead")
        name = self.operation or function.__qualname__
        code = inspect.unwrap(function).__code__ if hasattr(inspect.unwrap(function), "__code__") else None
        site = f"{code.co_filename}:{code.co_firstlineno}" if code is not None else self.site

        def fresh() -> Deadline:
            return Deadline(self.budget_s, operation=name, site=site, ledger=self._ledger)

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def bounded_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                async with fresh():
                    return await function(*args, **kwargs)

            return bounded_async  # type: ignore[return-value]  # T is the coroutine that `function` returns

        @functools.wraps(function)
        def bounded(*args: P.args, **kwargs: P.kwargs) -> T:
            with fresh():
                return function(*args, **kwargs)

        return bounded


def deadline(budget: float, operation: str = "") -> Deadline:
    """
    Limit what follows to `budget` seconds, as `async with`, as `with` or as a decorator.

    `operation` names it in errors; a decorator takes the function's name when it is empty.

    Raises:
        BudgetError: the budget is not a finite number of seconds greater than 0.
        DeadlineExceeded: (when the block ends) the time was over; it is a TimeoutError too.
    """
    caller = sys._getframe(1)
    site = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    return Deadline(seconds(budget, source=f"deadline(…) in {site}"), operation=operation, site=site)
