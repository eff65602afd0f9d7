"""
What a deadline costs that does not pass, and what virtual time saves, each against a baseline in the same run.
"""

from __future__ import annotations

import asyncio
import statistics
import time
import timeit
from typing import TYPE_CHECKING

from hermetic.guard.capture import Capture, take
from hermetic.guard.deadlines.ladder import Ladder
from hermetic.guard.deadlines.watchdog import Watchdog
from hermetic.guard.schedule import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.deadlines.hang import Hang

ROUNDS, REPEATS = 2000, 7


class Handler:
    def capture(self) -> Capture:
        return take()

    def captured(self, hang: Hang) -> None:
        pass

    def stepped(self, hang: Hang) -> None:
        pass

    def error(self, hang: Hang) -> BaseException:
        return RuntimeError(hang.what)

    def end(self, hang: Hang) -> None:
        pass


def cost_us(work: Callable[[], None]) -> float:
    # Processor time of the fastest of several rounds: other programs on the machine only ever add to it.
    return min(timeit.repeat(work, timer=time.process_time, repeat=REPEATS, number=ROUNDS)) / ROUNDS * 1e6


def armed() -> None:
    dog = Watchdog(name="hermetic-benchmark")
    ladder = Ladder(Handler(), dog=dog)
    ladder.install()

    def test() -> None:
        for part in ("setup", "call", "teardown"):
            ladder.arm(part, 60.0, source="benchmark")
            ladder.disarm()

    def nothing() -> None:
        for _ in ("setup", "call", "teardown"):
            pass

    per_test, baseline = cost_us(test), cost_us(nothing)
    ladder.uninstall()
    dog.close()
    print(f"deadlines armed for setup, call and teardown: {per_test - baseline:.1f} µs a test (budget 15)")


def virtual() -> None:
    async def sleeps(count: int, delay: float) -> None:
        for _ in range(count):
            await asyncio.sleep(delay)

    def timed(count: int, delay: float) -> tuple[float, float]:
        real, cpu = time.perf_counter(), time.process_time()
        asyncio.run(sleeps(count, delay))
        return time.perf_counter() - real, time.process_time() - cpu

    baseline = statistics.median(timed(3000, 0)[1] for _ in range(3))
    clock = VirtualClock()
    clock.start()
    long, many = timed(1, 36_000), timed(36_000, 1)
    clock.stop()
    ratio = many[1] / (baseline * 12)
    print(f"one sleep of ten hours: {long[0] * 1000:.1f} ms (budget 50), {long[1] * 1000:.1f} ms of processor time")
    print(f"36,000 sleeps of a second: {many[0]:.2f} s (budget 2), {many[1]:.2f} s of processor time,")
    print(f"    {ratio:.1f} times as much as 36,000 sleeps of 0 s in real time")


if __name__ == "__main__":
    armed()
    virtual()
