"""
Running many operations at once and keeping every outcome; waiting for a condition instead of for a time.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from hermetic.errors import HermeticError
from hermetic.guard.capture import take_task, waiting
from hermetic.guard.deadlines.budget import seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[T]):
    """
    How one operation ended.

    `state` is "succeeded", "failed" or "cancelled" (it was still running when the time was over); `waited_at` is then the
    line at which it waited and what for. `result` and `error` are what it returned or raised.
    """

    name: str
    state: str
    duration_s: float
    result: T | None = None
    error: BaseException | None = None
    waited_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrentOutcome(Generic[T]):
    """
    Every outcome, in the order in which the operations were given.
    """

    operations: tuple[Operation[T], ...]
    duration_s: float
    most_at_once: int

    @property
    def succeeded(self) -> int:
        return sum(one.state == "succeeded" for one in self.operations)

    @property
    def failed(self) -> int:
        return sum(one.state == "failed" for one in self.operations)

    @property
    def cancelled(self) -> int:
        return sum(one.state == "cancelled" for one in self.operations)

    @property
    def results(self) -> list[T | None]:
        """
        What the operations returned, in order; None for those that did not succeed.
        """
        return [one.result for one in self.operations]

    @property
    def causes(self) -> dict[str, list[str]]:
        """
        The names of the failed operations by what made them fail, the most frequent cause first.

        The cause is the innermost exception (`__cause__`, else `__context__`), as "ConnectionRefusedError: …".
        """
        counts = Counter(_cause(one.error) for one in self.operations if one.error is not None)
        return {
            cause: [one.name for one in self.operations if one.error is not None and _cause(one.error) == cause]
            for cause, _ in counts.most_common()
        }

    def __str__(self) -> str:
        total = len(self.operations)
        counts = f"{self.failed} failed, {self.cancelled} cancelled; at most {self.most_at_once} at once"
        lines = [f"{self.succeeded} of {total} operations succeeded in {self.duration_s:.2f} s, {counts}"]
        lines += [f"  {len(names)} x {cause}  ({_listed(names)})" for cause, names in self.causes.items()]
        lines += [
            f"  {one.name} was still running, waiting at {one.waited_at}"
            for one in self.operations
            if one.state == "cancelled"
        ]
        return "\n".join(lines)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _cause(error: BaseException) -> str:
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        following = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if following is None:
            break
        error = following
    return f"{type(error).__name__}: {error}".rstrip(": ")


async def track_concurrent_operations(
    operations: Iterable[Awaitable[T]],
    *,
    names: Sequence[str] | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - stragglers are named, which asyncio.timeout around this cannot do
    limit: int | None = None,
) -> ConcurrentOutcome[T]:
    """
    Run operations at once, keep every outcome, and cancel what still runs after `timeout` seconds.

    At most `limit` run at a time, all of them when it is None. A failure stops no other operation. When this itself is
    cancelled, all operations are cancelled and waited for first.

    Raises:
        ValueError: there are not as many names as operations, or `limit` is less than 1.
        BudgetError: `timeout` is not a number of seconds greater than 0.
    """
    given = list(operations)
    labels = list(names) if names is not None else [f"operation {number}" for number in range(len(given))]
    try:
        if len(labels) != len(given):
            raise ValueError(f"{len(labels)} names for {len(given)} operations: give one name each, or none at all")
        if limit is not None and limit < 1:
            raise ValueError(f"limit={limit}: at least one operation must be allowed to run")
        budget = None if timeout is None else seconds(timeout, source="timeout of track_concurrent_operations")
    except ValueError:
        for one in given:
            if inspect.iscoroutine(one):
                one.close()  # or each would warn that it was never awaited
        raise
    return await _Tracking(given, labels, limit).run(budget)


class _Tracking(Generic[T]):
    def __init__(self, given: list[Awaitable[T]], names: list[str], limit: int | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._gate = asyncio.Semaphore(limit or max(1, len(given)))
        self._now = self._most = 0
        self._began: dict[int, float] = {}
        self._ended: dict[int, float] = {}
        self._names = names
        self._started = self._loop.time()
        self._tasks = [
            asyncio.create_task(self._one(number, one), name=names[number]) for number, one in enumerate(given)
        ]
        self._given = given

    async def _one(self, number: int, operation: Awaitable[T]) -> T:
        async with self._gate:
            self._began[number] = self._loop.time()
            self._now += 1
            self._most = max(self._most, self._now)
            try:
                return await operation
            finally:
                self._now -= 1
                self._ended[number] = self._loop.time()

    async def run(self, budget: float | None) -> ConcurrentOutcome[T]:
        waited_at: dict[int, str] = {}
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=budget)
            for number, task in enumerate(self._tasks):
                if not task.done():
                    waited_at[number] = waiting(take_task(task))
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for number, one in enumerate(self._given):
                if number not in self._began and inspect.iscoroutine(one):
                    one.close()  # its turn never came
        operations = tuple(self._operation(number, waited_at) for number in range(len(self._tasks)))
        return ConcurrentOutcome(
            operations=operations, duration_s=self._loop.time() - self._started, most_at_once=self._most
        )

    def _operation(self, number: int, waited_at: dict[int, str]) -> Operation[T]:
        task, name = self._tasks[number], self._names[number]
        began = self._began.get(number, self._started)
        duration = self._ended.get(number, began) - began
        if task.cancelled():
            at = waited_at.get(number, "")
            return Operation(name=name, state="cancelled", duration_s=duration, waited_at=at)
        error = task.exception()
        if error is not None:
            at = waited_at.get(number, "")
            return Operation(name=name, state="failed", duration_s=duration, error=error, waited_at=at)
        return Operation(name=name, state="succeeded", duration_s=duration, result=task.result())


async def gather_or_cancel(*operations: Awaitable[Any]) -> list[Any]:
    """
    Like `asyncio.gather`, but when one fails, the others are cancelled and waited for before its error is raised.

    Nothing is left running, whichever way this ends. When several fail, the first error is raised with a note for each of
    the others.
    """
    tasks = [asyncio.ensure_future(one) for one in operations]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException as error:
        for task in tasks:
            task.cancel()
        for other in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(other, Exception) and other is not error:
                error.add_note(f"another operation failed as well: {type(other).__name__}: {other}")
        raise


class ConditionNotMet(HermeticError, TimeoutError, AssertionError):  # noqa: N818 - it says what happened
    """
    A condition that did not come true in time; `last` is the value seen last, `tries` how often it was looked at.
    """

    def __init__(self, *, budget_s: float, last: object, tries: int) -> None:
        super().__init__(budget_s)
        self.budget_s = budget_s
        self.last = last
        self.tries = tries

    def __str__(self) -> str:
        return (
            f"the condition did not come true within {self.budget_s:g} s; after {self.tries} looks its value was "
            f"{self.last!r}. Give it a longer deadline, or look at what should have changed it."
        )


async def wait_until(
    predicate: Callable[[], T | Awaitable[T]],
    *,
    deadline: float,
    every: float = 0.01,
) -> T:
    """
    Look at `predicate()` every `every` seconds until it is true, and return its value.

    An `async` predicate is awaited. An AssertionError that it raises counts as "not yet", so it may be a function full of
    assertions that returns True.

    Raises:
        ConditionNotMet: it was not true after `deadline` seconds; the last value, or AssertionError, is told.
        BudgetError: `deadline` or `every` is not a number of seconds greater than 0.
    """
    budget = seconds(deadline, source="deadline of wait_until")
    pause = seconds(every, source="every of wait_until")
    loop = asyncio.get_running_loop()
    ends = loop.time() + budget
    tries = 0
    while True:
        cause: AssertionError | None = None
        last: object
        try:
            seen = predicate()
            value = cast("T", await seen if inspect.isawaitable(seen) else seen)
        except AssertionError as error:
            last, cause = error, error
        else:
            if value:
                return value
            last = value
        tries += 1
        left = ends - loop.time()
        if left <= 0:
            raise ConditionNotMet(budget_s=budget, last=last, tries=tries) from cause
        await asyncio.sleep(min(pause, left))
