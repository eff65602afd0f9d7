"""
What the guard costs a test: the same suite with and without Hermetic, serial, in interleaved pairs.

    ./dev bench guard_cost                          7 pairs a suite
    python guard_cost.py --pairs 3 --census-only    without isolation

Each figure is a ratio of medians of the same run, of processor time where the suite computes and of elapsed time where
it sleeps: on a shared machine the elapsed time of a busy process says more about its neighbours. The tests of 50 ms are 400,
20 s a run: of few of them the session's own price, which a suite pays once, would be most of what is measured.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUITES = {
    # name: (file, plugins, budget)
    "1,000 trivial synchronous tests": (
        "import pytest\n@pytest.mark.parametrize('n', range(1000))\ndef test_trivial(n):\n    assert n >= 0\n",
        (),
        1.25,
    ),
    "1,000 trivial asynchronous tests": (
        "import pytest\n@pytest.mark.parametrize('n', range(1000))\nasync def test_trivial(n):\n    assert n >= 0\n",
        ("pytest_asyncio.plugin", "-oasyncio_mode=auto", "-oasyncio_default_fixture_loop_scope=function"),
        1.20,
    ),
    "400 tests of 50 ms": (
        "import time, pytest\n@pytest.mark.parametrize('n', range(400))\ndef test_slow(n):\n    time.sleep(0.05)\n",
        (),
        1.01,
    ),
    "300 tests that each leak a socket and a connection": (
        """
import socket, sqlite3, pytest
kept = []
@pytest.mark.parametrize('n', range(300))
def test_leaks(n):
    kept.append((socket.socket(), sqlite3.connect(':memory:')))
""",
        (),
        None,
    ),
}


def seconds(directory: Path, plugins: tuple[str, ...], *, guarded: bool, census_only: bool) -> float:
    """
    What one run took, the start of the interpreter and the collection included.
    """
    loaded = [word for plugin in plugins for word in (("-p", plugin) if not plugin.startswith("-") else (plugin,))]
    # For a plugin that is named, pytest looks through the entry points of all installed packages, which it does once anyway
    # where plugins load by themselves: so the run without Hermetic names one too, which does nothing.
    (directory / "nothing.py").touch()
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "--no-header"),
        *("-p", "hermetic._pytest.plugin" if guarded else "nothing"),
        *(("--hermetic-isolation", "off") if guarded and census_only else ()),
        *loaded,
    ]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    # Where it is set, every run compiles the guard anew, which no installed copy does.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.DEVNULL) as process:
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    if "slow" in (directory / "test_suite.py").read_text():
        return time.perf_counter() - started
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--census-only", action="store_true", help="without isolation, to tell the parts apart")
    options = parser.parse_args()
    pairs = options.pairs
    over = False
    for name, (source, plugins, budget) in SUITES.items():
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory)
            (path / "test_suite.py").write_text(source)
            (path / "pytest.ini").write_text("[pytest]\n")
            seconds(path, plugins, guarded=True, census_only=options.census_only)  # fills the bytecode caches
            times: dict[bool, list[float]] = {True: [], False: []}
            for number in range(pairs):
                for guarded in (True, False) if number % 2 else (False, True):
                    times[guarded].append(seconds(path, plugins, guarded=guarded, census_only=options.census_only))
        plain, with_guard = (statistics.median(times[guarded]) for guarded in (False, True))
        ratio = with_guard / plain
        verdict = "" if budget is None else f"  budget {budget:.2f}  {'ok' if ratio <= budget else 'OVER'}"
        over |= budget is not None and ratio > budget
        print(f"{name:<52} {plain:7.2f} s  {with_guard:7.2f} s  ratio {ratio:5.3f}{verdict}", flush=True)
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
