"""
What watching resources costs: the sampling thread's share of a processor, and a counted opening beside a bare one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

from hermetic.guard.limits import ResourceMonitor
from hermetic.guard.limits.station import STATION

SECONDS = 10.0


def processor_time(thread: int) -> float:
    """
    Seconds that a thread of this process has run. Source: proc(5), /proc/pid/schedstat, first field, in nanoseconds.
    """
    return int(Path(f"/proc/self/task/{thread}/schedstat").read_text().split()[0]) / 1e9


def sampler(resources: int) -> None:
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        monitor = stack.enter_context(ResourceMonitor())
        for number in range(resources):
            stack.enter_context(contextlib.closing(sqlite3.connect(":memory:")))
            stack.enter_context((directory / str(number)).open("w"))
        time.sleep(0.5)  # the thread is there, and knows what a sample costs
        before, started, samples = processor_time(STATION.thread), time.monotonic(), len(monitor.series)
        time.sleep(SECONDS)
        share = (processor_time(STATION.thread) - before) / (time.monotonic() - started)
        taken = len(monitor.series) - samples
    print(
        f"sampling with {2 * resources:>4} open resources: {share:.3%} of a processor (budget 0.5 %), "
        f"{taken / SECONDS:.1f} samples a second"
    )


def openings() -> None:
    def cost_us() -> float:
        best = float("inf")
        for _ in range(5):
            started = time.process_time()
            for _ in range(500):
                os.close(os.open(os.devnull, os.O_RDONLY))
                sqlite3.connect(":memory:").close()
            best = min(best, time.process_time() - started)
        return best / 500 * 1e6

    bare = cost_us()
    with ResourceMonitor():
        counted = cost_us()
    print(
        f"opening and closing a connection: {bare:.0f} µs bare, {counted:.0f} µs counted ({counted / bare:.2f} times)"
    )


if __name__ == "__main__":
    assert threading.active_count() == 1
    for count in (0, 50, 500):
        sampler(count)
    openings()
