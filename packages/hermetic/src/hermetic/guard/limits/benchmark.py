"""
Does an operation leak, how much a call, and from which line? Repeated, measured, fitted.

Memory is what Python allocates (tracemalloc), which is exact to the byte, unlike the process's resident memory: that
moves in pages and megabytes. What libraries allocate in C behind Python's back is not seen.

A leak goes on growing: what grew is measured once more, as long again, and only what grows there too is one. A cache that
fills up, a table that is resized, what another thread holds for a moment and garbage that only cycles hold do not count.
"""

from __future__ import annotations

import gc
import inspect
import tracemalloc
from array import array
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hermetic.errors import HermeticError
from hermetic.guard.census.site import Reader
from hermetic.guard.heap import is_frozen_by_others
from hermetic.guard.limits.allocations import Allocation, by_line, grown, load_what_comes_late, snapshot, tracing
from hermetic.guard.limits.fit import LEAST, Estimate, slope
from hermetic.guard.limits.kinds import NAMES
from hermetic.guard.limits.monitor import ResourceMonitor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping

    from hermetic.guard.limits.tally import Holder


class ResourceLeakError(HermeticError, AssertionError):
    """
    An operation that should leave nothing behind does.

    Attributes:
        result: What was measured.
    """

    def __init__(self, result: BenchmarkResult) -> None:
        super().__init__(result)
        self.result = result

    def __str__(self) -> str:
        return str(self.result)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkResult:
    """
    What a call of an operation leaves behind.

    `memory` is in bytes a call; `resources` has those of the counted kinds that grew, a call. `lines` are the lines that
    hold what was left, and `holders` who has the resources open; both only when something grew.
    """

    operation: str
    calls: int
    memory: Estimate
    is_memory_leaked: bool
    resources: Mapping[str, Estimate] = field(default_factory=dict[str, Estimate])
    lines: tuple[Allocation, ...] = ()
    holders: tuple[Holder, ...] = ()

    @property
    def is_leaking(self) -> bool:
        return self.is_memory_leaked or bool(self.resources)

    def check(self) -> None:
        """
        Raises:
            ResourceLeakError: the operation leaks.
        """
        if self.is_leaking:
            raise ResourceLeakError(self)

    def __str__(self) -> str:
        percent = f"{self.memory.confidence:.0%}"
        if not self.is_leaking:
            return f"{self.operation}: no growth ({self.memory} bytes a call, {percent} confidence, {self.calls} calls)"
        said: list[str] = []
        if self.is_memory_leaked:
            line = f", from line {self.lines[0].place}" if self.lines else ""
            said.append(f"leaks {self.memory} bytes a call{line}")
        for name, estimate in self.resources.items():
            line = next((f", from line {one.place}" for one in self.holders if one.resource == name), "")
            said.append(f"leaks {estimate} {name.replace('_', ' ')} a call{line}")
        lines = [f"{self.operation}: {'; '.join(said)}  ({percent} confidence, {self.calls} calls)"]
        lines += [
            f"  also {one.size_bytes:+,} bytes in {one.blocks:+} blocks from {one.place}" for one in self.lines[1:]
        ]
        return "\n".join(lines)


class ResourceBenchmark:
    """
    Repeats an operation and fits how much each call leaves behind.

    Args:
        rounds: how often is measured; at least 10. What grew is measured as often again.
        calls: calls a round, between two measurements.
        warmup: rounds before the first measurement: what is made once is made then.
        confidence: of the interval, between 0 and 1 (0.99).
        least_bytes: leaks of fewer bytes a call are not told.
        frames: how many frames of each allocation are kept, by which the project's line is found.

    Raises:
        ValueError: one of these is out of its range.
    """

    def __init__(
        self,
        *,
        rounds: int = 30,
        calls: int = 20,
        warmup: int = 3,
        confidence: float = 0.99,
        least_bytes: float = 16.0,
        frames: int = 8,
    ) -> None:
        if rounds < 2 * LEAST or calls < 1 or warmup < 0 or frames < 1 or not 0 < confidence < 1 or least_bytes < 0:
            raise ValueError(
                f"ResourceBenchmark(rounds={rounds!r}, calls={calls!r}, warmup={warmup!r}, confidence={confidence!r}, "
                f"least_bytes={least_bytes!r}, frames={frames!r}): give at least {2 * LEAST} rounds, 1 call, 0 rounds of "
                "warm-up, 1 frame, a confidence between 0 and 1 such as 0.99, and bytes from 0 on"
            )
        self._rounds = rounds
        self._calls = calls
        self._warmup = warmup
        self._confidence = confidence
        self._least_bytes = least_bytes
        self._frames = frames

    def run(self, operation: Callable[[], object], *, name: str = "") -> BenchmarkResult:
        """
        Measure an ordinary function. What it raises passes through.

        Raises:
            TypeError: it is a coroutine function, for which there is `run_async`.
        """
        if inspect.iscoroutinefunction(operation):
            raise TypeError(f"{_name(operation)} is a coroutine function: await run_async({_name(operation)}) instead")
        with self._measuring() as measure:
            for _ in measure.rounds():
                for _ in range(self._calls):
                    operation()
            return measure.result(name or _name(operation))

    async def run_async(self, operation: Callable[[], Awaitable[object]], *, name: str = "") -> BenchmarkResult:
        """
        Measure a coroutine function; each call is awaited before the next.
        """
        with self._measuring() as measure:
            for _ in measure.rounds():
                for _ in range(self._calls):
                    await operation()
            return measure.result(name or _name(operation))

    @contextmanager
    def _measuring(self) -> Generator[_Measurement]:
        load_what_comes_late()
        gc.collect()
        # What is there now is left alone, so that each of the many collections costs little. Somebody who froze it before
        # keeps it frozen.
        was_frozen = is_frozen_by_others()
        gc.freeze()
        try:
            with tracing(self._frames), ResourceMonitor(history=2, cleanup=False) as monitor:
                yield _Measurement(
                    monitor,
                    rounds=self._rounds,
                    warmup=self._warmup,
                    calls=self._calls,
                    confidence=self._confidence,
                    least_bytes=self._least_bytes,
                )
        finally:
            if not was_frozen:
                gc.unfreeze()


class _Measurement:
    def __init__(
        self,
        monitor: ResourceMonitor,
        *,
        rounds: int,
        warmup: int,
        calls: int,
        confidence: float,
        least_bytes: float,
    ) -> None:
        self._monitor = monitor
        self._rounds, self._skip, self._calls = rounds, warmup, calls
        self._confidence, self._least = confidence, least_bytes
        # All room is made now: what is measured must not grow by being measured.
        self._bytes = array("d", bytes(8 * rounds))
        self._counts = {name: array("d", bytes(8 * rounds)) for name in NAMES}
        self._lines: list[Allocation] = []
        self._reader = Reader()
        self._memory = Estimate(value=0, margin=0, confidence=confidence)
        self._is_memory_leaked = False
        self._resources: dict[str, Estimate] = {}

    @property
    def is_leaking(self) -> bool:
        return self._is_memory_leaked or bool(self._resources)

    def rounds(self) -> Iterator[None]:
        """
        One item for each round of calls. What grew is measured as long again, and of a leak one more round finds the lines.
        """
        for _ in range(self._skip):
            yield
            self._settle()
        yield from self._stretch()
        self._judge()
        if not self.is_leaking:
            return
        is_memory_suspected, suspected = self._is_memory_leaked, set(self._resources)
        yield from self._stretch()
        self._judge()
        self._is_memory_leaked &= is_memory_suspected
        self._resources = {name: one for name, one in self._resources.items() if name in suspected}
        if self.is_leaking:
            snapshot()  # the first one fills caches of its own
            before = snapshot()
            yield
            self._find_lines(before)

    def _stretch(self) -> Iterator[None]:
        for index in range(self._rounds):
            yield
            self._settle()
            self._take(index)

    def _settle(self) -> None:
        gc.collect()
        self._monitor.forget_closed()

    def _take(self, index: int) -> None:
        now = self._monitor.snapshot()
        for name, values in self._counts.items():
            values[index] = now.value(name)
        del now
        self._bytes[index] = tracemalloc.get_traced_memory()[0]

    def _judge(self) -> None:
        calls = [float(number * self._calls) for number in range(self._rounds)]
        self._memory, self._is_memory_leaked = self._fitted(calls, list(self._bytes), self._least)
        fits = {name: self._fitted(calls, list(values), 0.5 / self._calls) for name, values in self._counts.items()}
        self._resources = {name: estimate for name, (estimate, is_leaked) in fits.items() if is_leaked}

    def _fitted(self, calls: list[float], values: list[float], least: float) -> tuple[Estimate, bool]:
        whole = slope(calls, values, confidence=self._confidence)
        half = len(calls) // 2
        later = slope(calls[half:], values[half:], confidence=self._confidence)
        is_leaked = whole.low > least and later.low > 0
        # A cache that filled up in the first half makes the whole steeper than the leak is.
        is_steady = later.low <= whole.value <= later.high
        return (whole if is_steady or not is_leaked else later), is_leaked

    def _find_lines(self, before: tracemalloc.Snapshot) -> None:
        lines = by_line(grown(before, snapshot(), self._reader))
        share = max(self._least / 2, self._memory.value / 20)
        worth = [one for one in lines if one.size_bytes >= share * self._calls]
        self._lines = worth[:5]

    def result(self, name: str) -> BenchmarkResult:
        holders = [one for kind in self._resources for one in self._monitor.holders(kind)]
        return BenchmarkResult(
            operation=name,
            calls=self._rounds * self._calls,
            memory=self._memory,
            is_memory_leaked=self._is_memory_leaked,
            resources=self._resources,
            lines=tuple(self._lines),
            holders=tuple(holders),
        )


def _name(operation: Any) -> str:
    return str(getattr(operation, "__qualname__", None) or getattr(operation, "__name__", None) or operation)
