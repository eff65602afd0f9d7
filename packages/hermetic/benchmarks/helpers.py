"""
What the helpers of a test cost when it passes, beside the same work without them.

    ./dev bench helpers

Processor time of the fastest of several rounds, in microseconds a use, and as a share of what a trivial test costs pytest
alone in the same run: a helper is to cost less than what that varies by from one measurement to the next.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic import (
    DiagnosticContext,
    assert_with_context,
    monitor_async_operations,
    track_service_state,
    with_diagnostics,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROUNDS, REPEATS, TESTS = 500, 7, 1000
BUDGET = 0.05


class Service:
    def __init__(self) -> None:
        self.stock = 3
        self.orders: list[int] = []


def cost_us(work: Callable[[], object]) -> float:
    # Processor time of the fastest of several rounds: other programs on the machine only ever add to it.
    return min(timeit.repeat(work, timer=time.process_time, repeat=REPEATS, number=ROUNDS)) / ROUNDS * 1e6


async def cost_async_us(work: Callable[[], Awaitable[object]]) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        began = time.process_time()
        for _ in range(ROUNDS):
            await work()
        best = min(best, time.process_time() - began)
    return best / ROUNDS * 1e6


def trivial_test_us() -> float:
    """
    What pytest alone takes for a test that does nothing: a thousand of them less one, in processes of their own.
    """

    def seconds(count: int) -> float:
        with tempfile.TemporaryDirectory() as name:
            text = f"import pytest\n@pytest.mark.parametrize('n', range({count}))\ndef test_trivial(n): pass\n"
            (Path(name) / "test_suite.py").write_text(text)
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
            environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
            with subprocess.Popen(command, cwd=name, env=environment, stdout=subprocess.DEVNULL) as process:
                _, _, used = os.wait4(process.pid, 0)
                process.returncode = 0
        return used.ru_utime + used.ru_stime

    return min(seconds(TESTS) - seconds(1) for _ in range(3)) / TESTS * 1e6


def plain() -> None:
    pass


async def plain_async() -> None:
    pass


def in_context() -> None:
    with DiagnosticContext("checkout") as context:
        context.checkpoint("ordered", number=3)


async def monitored() -> None:
    async with monitor_async_operations("payment", timeout=5):
        pass


def tracked(service: Service) -> None:
    with track_service_state(service, ["stock", "orders"]):
        pass


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    service, numbers = Service(), list(range(1000))
    test = trivial_test_us()
    base, base_async = cost_us(plain), asyncio.run(cost_async_us(plain_async))
    costs = {
        "assert_with_context": cost_us(
            lambda: assert_with_context(numbers, "there are numbers", expected=numbers, actual=numbers)
        ),
        "with_diagnostics": cost_us(with_diagnostics(plain)) - base,
        "with_diagnostics, asynchronous": asyncio.run(cost_async_us(with_diagnostics(plain_async))) - base_async,
        "DiagnosticContext and a checkpoint": cost_us(in_context) - base,
        "track_service_state of 2": cost_us(lambda: tracked(service)) - base,
        "monitor_async_operations": asyncio.run(cost_async_us(monitored)) - base_async,
    }
    print(f"a trivial test {test:.0f} µs")
    worst = 0.0
    for name, cost in costs.items():
        worst = max(worst, cost / test)
        print(f"{name:<36} {cost:7.2f} µs  {100 * cost / test:6.2f} % of a test")
    verdict = "ok" if worst <= BUDGET else "OVER"
    print(f"the dearest {100 * worst:.2f} % of a trivial test  budget {100 * BUDGET:.0f} %  {verdict}", flush=True)
    return int(worst > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
