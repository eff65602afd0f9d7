"""
Which test files execute a line, measured by coverage, also in the processes that tests start.

One test file is run at a time, each with coverage data of its own. Measuring single tests would be finer, but many tests
share one process that the first of them starts, and the others look at what it found.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from development.mutation.mutants import digest_of
from development.mutation.subjects import ROOT, SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from development.mutation.mutants import Mutant

# What a module does when it is imported, every test reaches; this many files are asked at most.
MOST_FILES = 12
PYTEST = (
    "-q",
    "-x",
    "-p",
    "no:randomly",
    "-p",
    "no:xdist",
    "-p",
    "no:cacheprovider",
    "--hermetic-history=off",
    "--hermetic-deadline=none",
)


class Reach:
    """
    What is known of each test file: its seconds, and the lines that it executes in each module.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._known: dict[str, dict[str, Any]] = {}
        if place.is_file():
            self._known = json.loads(place.read_text("utf-8"))

    def measure(self, tests: Iterable[str]) -> None:
        """
        Run the test files that changed since they were last measured, or never were. One that fails when it is traced, since a
        tracer changes what it is about, and passes otherwise, counts as reaching each line of the modules that it is named like.
        One that fails either way is left out, as if it reached no line, which can only make survivors, and measured again the next
        time.
        """
        wanted = [name for name in tests if self._known.get(name, {}).get("digest") != _digest(name)]
        for index, name in enumerate(wanted, 1):
            print(f"mutation: which lines {name} reaches ({index} of {len(wanted)})", flush=True)
            try:
                self._known[name] = {"digest": _digest(name), **_measured_or_passed(name)}
            except RuntimeError as error:
                print(f"mutation: left out: {error}", flush=True)
                self._known[name] = {"digest": "", "seconds": 0.0, "lines": {}}
            self._place.parent.mkdir(parents=True, exist_ok=True)
            self._place.write_text(json.dumps(self._known), "utf-8")

    def seconds(self, test: str) -> float:
        return float(self._known[test]["seconds"])

    def digest(self, tests: Iterable[str]) -> str:
        return digest_of(" ".join(self._known[name]["digest"] for name in sorted(tests)))

    def of(self, mutant: Mutant, tests: Iterable[str]) -> list[str]:
        """
        The test files that execute a line of the change, at most MOST_FILES: first those named like its module or its
        package, then the fewest seconds. Where none was seen to, those that are named like it.
        """
        lines = set(range(mutant.line, mutant.line + mutant.before.count("\n") + 1))
        words = set(Path(mutant.module).with_suffix("").parts[2:]) | {
            word for part in Path(mutant.module).with_suffix("").parts[2:] for word in part.split("_")
        }

        def common(name: str) -> int:
            parts = {word.removesuffix(".py") for part in Path(name).parts[3:] for word in (part, *part.split("_"))}
            return len(words & parts)

        def is_seen(name: str) -> bool:
            by_module: dict[str, list[int]] = self._known[name]["lines"] or {}
            return not lines.isdisjoint(by_module.get(mutant.module, []))

        def may_reach(name: str) -> bool:
            # Some of its tests, or all, run without a tracer.
            return (self._known[name]["lines"] is None or "untraced" in _text(name)) and common(name) > 0

        # What runs only in an audit hook, or in a thread that is started below `threading`, no tracer sees.
        is_any_seen = any(map(is_seen, tests))
        found = [name for name in tests if is_seen(name) or (may_reach(name) if is_any_seen else common(name))]
        return sorted(found, key=lambda name: (-common(name), self.seconds(name)))[:MOST_FILES]


@functools.cache
def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _digest(name: str) -> str:
    return digest_of(_text(name))


def _measured_or_passed(name: str) -> dict[str, Any]:
    try:
        return _measured(name)
    except RuntimeError as error:
        seconds = _run([sys.executable, "-m", "pytest", *PYTEST, name], name)
        print(f"mutation: cannot be traced: {error}", flush=True)
        return {"seconds": seconds, "lines": None}


def _measured(name: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="reach-") as folder:
        data = str(Path(folder) / "coverage")
        seconds = _run(
            [sys.executable, "-m", "coverage", "run", f"--data-file={data}", "-m", "pytest", *PYTEST, name], name
        )
        quiet = {"check": False, "cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([sys.executable, "-m", "coverage", "combine", f"--data-file={data}", folder], **quiet)  # type: ignore[call-overload] # noqa: PLW1510 - in `quiet`
        return {"seconds": seconds, "lines": _lines(data)}


def _run(command: list[str], name: str) -> float:
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1800
    )
    # Status 5: every test of the file runs only in `./dev prove`.
    if done.returncode not in {0, 5}:
        raise RuntimeError(f"{name} fails on the unchanged code:\n{done.stdout[-3000:]}")
    return round(time.monotonic() - started, 2)


def _lines(data: str) -> dict[str, list[int]]:
    import coverage  # noqa: PLC0415 - only this command needs it

    if not os.path.exists(data):  # noqa: PTH110 - beside a name that coverage wants as text
        return {}
    read = coverage.CoverageData(data)
    read.read()
    result: dict[str, list[int]] = {}
    for file in read.measured_files():
        for source in SOURCES.values():
            if Path(file).is_relative_to(source):
                module = Path(file).relative_to(source).as_posix()
                arcs = read.arcs(file) or []
                result[module] = sorted({abs(line) for arc in arcs for line in arc} | set(read.lines(file) or []))
    return result
