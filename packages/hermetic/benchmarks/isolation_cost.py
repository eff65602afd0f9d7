"""
What isolation costs a test: two readings of every kind of state, and their comparison, when nothing was changed.

The project is made for the occasion: 30 modules with 20 functions, 3 classes and 7 containers each. The baseline in
the same run is one trivial test as pytest runs it with Hermetic switched off; the total is given as a share of it. All
times are processor time, since other work on the machine must not count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path

from hermetic.foundation import Owner
from hermetic.guard.isolation import Isolation, OwnCode, Trail, default_states
from hermetic.guard.ownership import Tenure

MODULES = 30
BODY = "\n".join(
    [
        "import os, time, json, logging, asyncio, socket",
        *(f"def function_{n}():\n    return {n}" for n in range(20)),
        *(f"class Class{n}:\n    table = {{}}\n    def method(self):\n        return {n}" for n in range(3)),
        "CACHE = {}\nQUEUE = []\nNAMES = {'a', 'b'}\nTABLE = {'a': ['b'], 'c': ['d']}",
        "log = logging.getLogger(__name__)",
    ]
)


def project(root: Path) -> None:
    package = root / "benchmarked"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for number in range(MODULES):
        (package / f"module_{number}.py").write_text(BODY)
    sys.path.insert(0, str(root))
    for number in range(MODULES):
        __import__(f"benchmarked.module_{number}")


def microseconds(call, *, repeat: int, number: int) -> float:
    # The least: whatever else runs on the machine only adds.
    return min(timeit.repeat(call, timer=time.process_time, repeat=repeat, number=number)) / number * 1e6


def trivial_test(root: Path, count: int) -> float:
    """
    Microseconds of processor time that one more trivial test costs pytest without Hermetic.
    """

    def seconds(tests: int) -> float:
        file = root / f"test_trivial_{tests}.py"
        file.write_text(
            f"import pytest\n\n@pytest.mark.parametrize('n', range({tests}))\ndef test_nothing(n):\n    pass\n"
        )
        words = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--hermetic=off", str(file)]
        before = os.times()
        subprocess.run([sys.executable, "-m", "pytest", *words], cwd=root, check=True, capture_output=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    few = statistics.median(seconds(10) for _ in range(3))
    many = statistics.median(seconds(10 + count) for _ in range(3))
    return (many - few) / count * 1e6


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--number", type=int, default=400, help="readings a sample (400)")
    number = options.parse_args().number
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        project(root)
        own, trail = OwnCode(name), Trail()
        states = default_states(own, trail)
        rows = []
        for state in states:
            if not state.is_active():
                continue
            state.read()

            def one(state=state):
                before = state.read()
                state.is_alike(before, state.read())

            rows.append((microseconds(one, repeat=9, number=number), state.kind))
        isolation = Isolation(states, own=own, trail=trail, mode=lambda _: "restore")
        isolation.start()

        def test():
            tenure = Tenure(lambda: Owner(kind="test", name="benchmark"))
            isolation.entering(tenure)
            isolation.ready(tenure)
            isolation.leaving(tenure)
            isolation.left(tenure)
            assert not list(isolation.judge([tenure]))

        total = microseconds(test, repeat=25, number=number)
        isolation.stop()
        base = trivial_test(root, 1000)
    print(f"{'kind':<28}{'µs a test':>10}")
    for cost, kind in sorted(rows, reverse=True):
        print(f"{kind:<28}{cost:>10.2f}")
    print(f"{'sum of the kinds':<28}{sum(cost for cost, _ in rows):>10.2f}")
    print(f"{'all, as the guard runs it':<28}{total:>10.2f}")
    print(f"{'a trivial test without':<28}{base:>10.2f}")
    print(f"isolation adds {total / base:.1%} to a trivial synchronous test")


if __name__ == "__main__":
    main()
