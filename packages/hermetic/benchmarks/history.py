"""
What the history costs: a question to a million outcomes, and a run of 5,000 tests that leaves its own.

    ./dev bench history                 7 interleaved pairs
    python history.py --pairs 3

A history of 200 runs of 5,000 tests, of which 200 fail every other time (2 % of all outcomes), is asked by `hermetic history` and `hermetic history TEST` in
processes of their own: processor time of the fastest of several, since other programs on the machine only ever add to it,
with the time that passed beside it. The part of it that starting Python and the command line takes is shown too, by the same
command's help. The cost of a run is the median ratio of processor time of pairs, with the history and with
`--hermetic-history=off`, beside a history of that size. A time is the least of three runs, and the six runs of a pair take turns: a
single one varies by a tenth.

On a shared machine the same command against itself comes to anything from 0.92 to 1.03 in that way. Where valgrind is installed, the
instructions of one pair are counted as well, which are the same every time, and the verdict is theirs.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.record.history.runs import Run, Try
from hermetic.record.history.store import HistoryStore

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS, RUNS, TURNS = 5000, 200, 3
# Every so many tests one that fails every other time.
FAILING = 25
BUDGET_S, BUDGET_RATIO = 0.1, 1.02
SUITE = "import pytest\n@pytest.mark.parametrize('n', range({count}))\ndef test_trivial(n):\n    assert n >= 0\n"
MAIN = "from hermetic.cli import main; main()"


def fill(directory: Path) -> None:
    draw = random.Random(7)
    names = [f"test_suite.py::test_trivial[{n}]" for n in range(TESTS)]
    with HistoryStore(directory) as store:
        for number in range(RUNS):
            run = Run(id=f"{number:032}", at=1.7e9 + number * 3600.0, duration_s=60.0, code=f"c{number // 4}", seed="7")
            store.add(run, [outcome(name, place, draw) for place, name in enumerate(names, 1)])


def outcome(name: str, place: int, draw: random.Random) -> Try:
    seconds = round(draw.uniform(0.001, 0.1), 6)
    if place % FAILING or draw.random() < 0.5:
        return Try(test=name, outcome="passed", duration_s=seconds, position=place)
    cause = draw.randint(1, 30)
    return Try(
        test=name,
        outcome="failed",
        duration_s=seconds,
        position=place,
        cause=f"{cause:012x}",
        said=f"ValueError: cause {cause}",
        nature="error",
    )


def used(command: list[str], cwd: Path) -> tuple[float, float]:
    """
    Wall-clock and processor seconds of a process.
    """
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, env=environment()) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def environment() -> dict[str, str]:
    return {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def ask(directory: Path, *words: str, times: int = 9) -> tuple[float, float]:
    command = [sys.executable, "-c", MAIN, "history", *words]
    measured = [used(command, directory) for _ in range(times)]
    return min(passed for passed, _ in measured), min(processor for _, processor in measured)


def questions(directory: Path) -> bool:
    _, start = ask(directory, "suite", "--help")
    good = True
    for name, words in (("the suite", ()), ("one test", (f"test_suite.py::test_trivial[{TESTS - 1}]",))):
        passed, processor = ask(directory, *words)
        good &= processor <= BUDGET_S
        print(
            f"history of {name}: {1000 * processor:.0f} ms of processor time, {1000 * start:.0f} ms of them to start; "
            f"{1000 * passed:.0f} ms passed  budget {1000 * BUDGET_S:.0f} ms  {'ok' if processor <= BUDGET_S else 'OVER'}"
        )
    return good


def counted(commands: Sequence[list[str]], cwd: Path) -> list[int]:
    """
    The instructions that each command takes, as many at once as there are.

    Source: Cachegrind's manual, "I refs" in its summary.
    """
    logs = [cwd / f"valgrind-{number}.log" for number in range(len(commands))]
    running = [
        subprocess.Popen(
            [
                *("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"),
                *(f"--log-file={log}", *command),
            ],
            cwd=cwd,
            stdout=subprocess.DEVNULL,
            env=environment(),
        )
        for command, log in zip(commands, logs, strict=True)
    ]
    statuses = [process.wait() for process in running]
    if any(statuses):
        raise SystemExit(f"runs under valgrind ended with {statuses}")
    found = [re.search(r"I +refs: +([\d,]+)", log.read_text()) for log in logs]
    return [int(one[1].replace(",", "")) for one in found if one is not None]


def cost(directory: Path, pairs: int) -> tuple[float, float | None]:
    """
    The ratio of processor times, and that of instructions where they can be counted.
    """
    (directory / "pytest.ini").write_text("[pytest]\n")
    (directory / "test_suite.py").write_text(SUITE.format(count=TESTS))
    common = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "hermetic._pytest.plugin",
        "--no-header",
    ]
    kinds: tuple[list[str], ...] = ([], ["--hermetic-history=off"])
    for words in kinds:
        used([*common, *words], directory)  # fills the bytecode caches
    ratios: list[float] = []
    for number in range(pairs):
        order = kinds if number % 2 else kinds[::-1]
        times: dict[bool, float] = {}
        for words in order * TURNS:
            taken = used([*common, *words], directory)[1]
            times[bool(words)] = min(taken, times.get(bool(words), taken))
        ratios.append(times[False] / times[True])
        print(f"  pair {number + 1}: with {times[False]:.2f} s, without {times[True]:.2f} s", flush=True)
    if shutil.which("valgrind") is None:
        return statistics.median(ratios), None
    with_it, without = counted([[*common, *words] for words in kinds], directory)
    return statistics.median(ratios), with_it / without


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=7)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        began = time.perf_counter()
        fill(directory / ".hermetic")
        size = (directory / ".hermetic" / "history.sqlite3").stat().st_size
        each = 1000 * (time.perf_counter() - began) / RUNS
        print(
            f"{RUNS * TESTS:,} outcomes in {size / 2**20:.0f} MiB; a run of {TESTS:,} is taken in within {each:.0f} ms"
        )
        good = questions(directory)
        ratio, by_instructions = cost(directory, pairs)
    deciding = ratio if by_instructions is None else by_instructions
    verdict = "ok" if deciding <= BUDGET_RATIO else "OVER"
    counts = "" if by_instructions is None else f", of instructions {by_instructions:.3f}"
    print(
        f"a run of {TESTS:,} tests: median ratio of {pairs} pairs {ratio:.3f}{counts}  "
        f"budget {BUDGET_RATIO:.2f}  {verdict}",
        flush=True,
    )
    return int(not good or deciding > BUDGET_RATIO)


if __name__ == "__main__":
    sys.exit(main())
