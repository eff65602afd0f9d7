"""
What the record costs a test: 1,000 trivial tests with the guard alone, and with a journal and a report as well.

    ./dev bench record_cost            7 interleaved pairs
    python record_cost.py --pairs 3

The figure is the median of the pairs' ratios of processor time, the start of the interpreter and the report included. A time is the
least of three runs, which other programs on the machine only ever add to; the six runs of a pair take turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SUITE = "import pytest\n@pytest.mark.parametrize('n', range(1000))\ndef test_trivial(n):\n    assert n >= 0\n"
BUDGET, RUNS = 1.05, 3
WORDS = ("--hermetic-journal=journal.jsonl", "--hermetic-report=report.html")


def seconds(directory: Path, words: tuple[str, ...]) -> float:
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "--no-header"),
        *("-p", "hermetic._pytest.plugin"),
        *words,
    ]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.DEVNULL) as process:
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=7)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "test_suite.py").write_text(SUITE)
        (directory / "pytest.ini").write_text("[pytest]\n")
        seconds(directory, WORDS)  # fills the bytecode caches
        measured: list[tuple[float, float]] = []
        for number in range(pairs):
            order = (WORDS, ()) if number % 2 else ((), WORDS)
            times: dict[tuple[str, ...], float] = {}
            for words in order * RUNS:
                times[words] = min(seconds(directory, words), times.get(words, float("inf")))
            measured.append((times[()], times[WORDS]))
            print(f"  pair {number + 1}: alone {times[()]:.3f} s, with record {times[WORDS]:.3f} s", flush=True)
        size = (directory / "journal.jsonl").stat().st_size
    ratio = statistics.median(recorded / alone for alone, recorded in measured)
    alone, recorded = (statistics.median(column) for column in zip(*measured, strict=True))
    verdict = "ok" if ratio <= BUDGET else "OVER"
    print(f"1,000 trivial tests: guard alone {alone:.2f} s, with record {recorded:.2f} s; journal {size} bytes")
    print(f"median ratio of {pairs} pairs {ratio:.3f}  budget {BUDGET:.2f}  {verdict}", flush=True)
    return int(ratio > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
