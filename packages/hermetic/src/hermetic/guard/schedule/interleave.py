"""
The same coroutine under many orders of its tasks: seeded, shrunk to the smallest set of switches that fails, replayed.

What is varied is when a task goes on. asyncio runs callbacks in the order in which they were registered, and sound code
may rely on that; but when a task goes on after an await is up to the event it waited for, which might always have come
later. So a task's next step may be *held*: put behind what else is ready, for one round or several. Plain callbacks keep
their order. Awaits that need not suspend, such as an uncontended lock, are made to suspend now and then.

Every place where a task's step could be held is a decision, counted from 0. A run is told completely by the decisions at
which it held: with time that stands still between jumps, the same decisions give the same run. A seed decides them by
drawing; shrinking drops some and looks whether it still fails.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hermetic.errors import HermeticError
from hermetic.guard.capture.chain import chain_of
from hermetic.guard.capture.lines import Project, line_of
from hermetic.guard.schedule.virtual import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

# Seeds take these in turn: races that need one switch in many steps want few, others want many.
_RATES = (0.5, 0.2, 0.08, 0.03)
# For how many rounds a step is held.
_ROUNDS = (1, 1, 2, 4, 8)
_YIELDING: tuple[tuple[type, str], ...] = (
    (asyncio.Lock, "acquire"),
    (asyncio.Semaphore, "acquire"),
    (asyncio.Event, "wait"),
    (asyncio.Queue, "get"),
    (asyncio.Queue, "put"),
)
_SHRINK_RUNS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """
    A place at which a task was held: the number of the decision, the task, and its line.
    """

    decision: int
    rounds: int
    task: str
    place: str
    source: str

    def __str__(self) -> str:
        return f"{self.place}  {self.source}  (task {self.task!r} was held for {self.rounds} rounds)"


class InterleavingError(HermeticError, AssertionError):
    """
    An order of tasks under which the code fails.

    Attributes:
        seed: Replays it.
        switches: The smallest set of switches that was found to fail.
        error: What was raised under it.
        runs: How many orders were tried before.
    """

    def __init__(self, *, seed: int, switches: tuple[Switch, ...], error: BaseException, runs: int) -> None:
        super().__init__(seed)
        self.seed = seed
        self.switches = switches
        self.error = error
        self.runs = runs

    def __str__(self) -> str:
        lines = [f"{type(self.error).__name__}: {self.error}", f"under an order of tasks that seed {self.seed} gives"]
        if self.switches:
            lines.append(f"it takes {len(self.switches)} switch{'es' if len(self.switches) > 1 else ''}:")
            lines += [f"  {switch}" for switch in self.switches]
        else:
            lines.append("it fails without any switch: the order does not matter")
        lines.append(f"run it again: seed={self.seed}, or pytest --hermetic-seed {self.seed}")
        return "\n".join(lines)


class _Plan:
    # Decides whether the n-th decision holds: drawn from a seed, or told as a set.

    def __init__(self, *, seed: int | None = None, holds: dict[int, int] | None = None) -> None:
        self._holds = holds
        self._random = random.Random(seed)  # noqa: S311 - an order of tasks, not a secret
        self._rate = 0.0 if seed == 0 else _RATES[(seed or 0) % len(_RATES)]
        self.decisions = 0
        self.switches: list[Switch] = []
        self._project = Project()

    def rounds(self, task: asyncio.Task[Any] | None) -> int:
        number = self.decisions
        self.decisions += 1
        if self._holds is not None:
            rounds = self._holds.get(number, 0)
        else:
            # Both are drawn each time, so that the draws stay in step whatever becomes of them.
            draw, choice = self._random.random(), self._random.choice(_ROUNDS)
            rounds = choice if draw < self._rate else 0
        if rounds and task is not None:
            self.switches.append(self._switch(number, rounds, task))
        return rounds

    def _switch(self, number: int, rounds: int, task: asyncio.Task[Any]) -> Switch:
        frames = chain_of(task.get_coro()).frames
        lines = [line_of(frame, self._project) for frame in frames]
        line = next((one for one in reversed(lines) if one.is_own), lines[-1] if lines else None)
        place = "?" if line is None else f"{line.frame.file}:{line.frame.line}"
        source = "" if line is None else line.source
        return Switch(decision=number, rounds=rounds, task=task.get_name(), place=place, source=source)


class _Ready(deque[Any]):
    # The loop's queue of callbacks that are ready, with a say in which comes next.

    plan: _Plan
    held: dict[int, int]

    def popleft(self) -> Any:
        for _ in range(64 * (len(self) + 1)):
            handle = self[0]
            task = _task_of(handle)
            if task is None or len(self) == 1:
                break
            left = self.held.get(id(handle))
            if left is None:
                left = self.held[id(handle)] = self.plan.rounds(task)
            if left <= 0:
                break
            self.held[id(handle)] = left - 1
            self.rotate(-1)
        handle = super().popleft()
        self.held.pop(id(handle), None)
        return handle


def _task_of(handle: Any) -> asyncio.Task[Any] | None:
    owner = getattr(handle._callback, "__self__", None)
    return owner if isinstance(owner, asyncio.Task) else None  # pyright: ignore[reportUnknownVariableType] - any task


@contextmanager
def _yielding(plan: _Plan) -> Generator[None]:
    # Awaits of these may complete at once; another implementation, or a busier moment, would suspend there.
    originals = [(owner, name, owner.__dict__[name]) for owner, name in _YIELDING]

    def made(original: Callable[..., Any]) -> Callable[..., Any]:
        async def suspend_first(*args: Any, **kwargs: Any) -> Any:
            if plan.rounds(asyncio.current_task()):
                await asyncio.sleep(0)
            return await original(*args, **kwargs)

        return suspend_first

    for owner, name, original in originals:
        setattr(owner, name, made(original))
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _naming() -> Callable[..., asyncio.Task[Any]]:
    # Tasks are named by the order in which this run makes them: asyncio's own number counts for the whole process.
    numbers = itertools.count(1)

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        name = options.pop("name", None) or f"Task-{next(numbers)}"
        return asyncio.Task(coroutine, loop=loop, name=name, **options)

    return make


def _once(function: Callable[[], Coroutine[Any, Any, Any]], plan: _Plan) -> BaseException | None:
    clock = VirtualClock(flows=False)

    with asyncio.Runner() as runner:
        loop: Any = runner.get_loop()
        ready = _Ready()
        ready.plan, ready.held = plan, {}
        ready.extend(loop._ready)
        loop._ready = ready
        loop.set_task_factory(_naming())
        clock.start()
        try:
            with _yielding(plan):
                runner.run(function())
        except Exception as error:  # noqa: BLE001 - whatever the code under test raises is the result
            return error
        finally:
            clock.stop()
            loop._ready = deque(ready)
    return None


def interleave(function: Callable[[], Coroutine[Any, Any, Any]], *, seeds: int = 200, seed: int | None = None) -> int:
    """
    Run `function()` under `seeds` orders of its tasks, or under the one that `seed` gives. Returns how many were run.

    Each run has a loop of its own, and time that jumps to the next timer, so waiting costs nothing. The first runs in
    asyncio's own order. `function` must start afresh each time: what it shares with other calls is shared by all runs.

    Raises:
        InterleavingError: one of them failed; it holds the seed, and the smallest set of switches that still fails.
    """
    for count, number in enumerate(range(seeds) if seed is None else (seed,)):
        plan = _Plan(seed=number)
        error = _once(function, plan)
        if error is not None:
            switches, error = _shrunk(function, plan, error)
            raise InterleavingError(seed=number, switches=switches, error=error, runs=count) from error
    return seeds if seed is None else 1


def _shrunk(
    function: Callable[[], Coroutine[Any, Any, Any]], plan: _Plan, error: BaseException
) -> tuple[tuple[Switch, ...], BaseException]:
    # One switch anywhere is the smallest set there is, and often enough; it need not be one that the seed drew.
    if len(plan.switches) > 1:
        for number in range(min(plan.decisions, _SHRINK_RUNS)):
            tried = _Plan(holds={number: 1})
            found = _once(function, tried)
            if found is not None and type(found) is type(error) and tried.switches:
                return tuple(tried.switches), found
    # Delta debugging over the decisions that held. Source: Zeller and Hildebrandt, "Simplifying and Isolating
    # Failure-Inducing Input" (2002), reduced to complements.
    best, best_error = list(plan.switches), error
    parts, runs = 2, 0
    while best and runs < _SHRINK_RUNS:
        size = max(1, -(-len(best) // parts))
        for start in range(0, len(best), size):
            fewer = best[:start] + best[start + size :]
            tried = _Plan(holds={switch.decision: switch.rounds for switch in fewer})
            found = _once(function, tried)
            runs += 1
            if found is not None and type(found) is type(error):
                # What this run really held: a dropped switch may have moved or removed the decisions after it.
                best, best_error = tried.switches, found
                parts = max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(best), parts * 2)
    return tuple(best), best_error
