"""
Where the guard's time goes: what each of its parts takes of a trivial test, and the memory of a resource in the census.

    ./dev bench guard_shares
    python guard_shares.py --tests 300

Every hook and every step of a part is timed where it stands, in a real run of pytest, its callees taken off; the lower
quartile of all calls is kept, since whatever else runs on the machine only adds. The sum is less than what `guard_cost`
measures: the calls themselves, the start and the end of a run, and caches that are colder for the test are not in it.
"""

from __future__ import annotations

# Both a program and a plugin of the runs that it starts: what it measures is imported where it is there anyway.
# ruff: noqa: PLC0415
import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import tracemalloc
from collections import defaultdict
from pathlib import Path
from time import perf_counter_ns, process_time_ns

ASYNCIO = ("-p", "pytest_asyncio.plugin", "-oasyncio_mode=auto", "-oasyncio_default_fixture_loop_scope=function")
SUITES = {"synchronous": ("", ()), "asynchronous": ("async ", ASYNCIO)}
OUT = "GUARD_SHARES_OUT"
# Parts by what they do, from the names of the classes and steps that are timed.
PARTS = {
    "process state: reading it": ("Isolation._read",),
    "process state: the rest": ("isolation.", "Isolation._close"),
    "census: where a resource was made": ("site.take",),
    "census: entering, striking off, judging": ("census.", "Census.opened", "inspect ", "shifts."),
    "deadlines": ("_watched", "Hangs", "Ending"),
    "blocking": ("blocking.",),
    "record and diagnosis": ("Recording", "Explaining", "fixture times."),
    "history": ("Keeper", "history"),
    "owners and findings": ("Guarding",),
    "other": ("",),
}


class Clockwork:
    """
    Times calls without what they call in turn.
    """

    def __init__(self) -> None:
        self.taken: dict[str, list[int]] = defaultdict(list)
        self._stack: list[list[int]] = []

    def _begin(self) -> None:
        self._stack.append([0, perf_counter_ns()])

    def _end(self, label: str) -> None:
        now = perf_counter_ns()
        inner, began = self._stack.pop()
        self.taken[label].append(now - began - inner)
        if self._stack:
            self._stack[-1][0] += now - began

    def function(self, function, label):
        @functools.wraps(function)
        def timed(*arguments, **named):
            self._begin()
            try:
                return function(*arguments, **named)
            finally:
                self._end(label)

        return timed

    def wrapper(self, function, label):
        @functools.wraps(function)
        def timed(*arguments, **named):
            self._begin()
            try:
                generator = function(*arguments, **named)
                next(generator)
            finally:
                self._end(f"{label} before")
            result = yield
            self._begin()
            try:
                generator.send(result)
            except StopIteration as stop:
                return stop.value
            finally:
                self._end(f"{label} after")

        return timed

    def microseconds(self, tests: int) -> dict[str, float]:
        for _ in range(1000):
            self._begin()
            self._end("nothing")
        nothing = _quartile(self.taken.pop("nothing"))
        return {
            label: max(0, _quartile(took) - nothing) * len(took) / tests / 1000 for label, took in self.taken.items()
        }


def _quartile(values: list[int]) -> float:
    return sorted(values)[len(values) // 4]


class Plugin:
    """
    Puts the clockwork into a run of pytest, right before its first test.
    """

    def __init__(self) -> None:
        self._clockwork = Clockwork()
        self._tests = 0

    def pytest_collection_finish(self, session) -> None:
        self._tests = len(session.items)
        manager = session.config.pluginmanager
        for name, caller in vars(manager.hook).items():
            for one in caller.get_hookimpls() if name.startswith("pytest_runtest") or "fixture" in name else ():
                if one.function.__module__.startswith("hermetic"):
                    time = self._clockwork.wrapper if one.wrapper else self._clockwork.function
                    one.function = time(one.function, one.function.__qualname__)
        self._time_parts(manager.get_plugin("hermetic-guarding")._team)  # noqa: SLF001 - nobody else gives the parts
        self._began = process_time_ns()

    def _time_parts(self, team) -> None:
        from hermetic.guard.census import site
        from hermetic.guard.census.census import Census
        from hermetic.guard.isolation.keeper import Isolation

        function = self._clockwork.function
        for step in type(team._all).__slots__:  # noqa: SLF001 - as above
            for part in getattr(team._all, step):  # noqa: SLF001 - as above
                setattr(part, step, function(getattr(part, step), f"{part.name}.{step}"))
        for cls, name in ((Isolation, "_read"), (Isolation, "_close"), (Census, "opened")):
            setattr(cls, name, function(getattr(cls, name), f"{cls.__name__}.{name}"))
        site.take = function(site.take, "site.take")
        for part in team.components():
            for tracker in getattr(part, "_inspectors", ()):
                tracker.inspect = function(tracker.inspect, f"inspect {tracker.kind}")

    def pytest_sessionfinish(self) -> None:
        took = (process_time_ns() - self._began) / self._tests / 1000
        labels = self._clockwork.microseconds(self._tests)
        Path(os.environ[OUT]).write_text(json.dumps({"test": took, "labels": labels}))


def pytest_configure(config) -> None:
    config.pluginmanager.register(Plugin(), "guard-shares")


def measure(kind: str, tests: int) -> dict[str, float]:
    """
    Microseconds a test, by part.
    """
    word, plugins = SUITES[kind]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "pytest.ini").write_text("[pytest]\n")
        (directory / "test_suite.py").write_text(
            f"import pytest\n@pytest.mark.parametrize('n', range({tests}))\n{word}def test_trivial(n):\n    assert n >= 0\n"
        )
        out = directory / "out.json"
        environment = {
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(Path(__file__).parent),
            OUT: str(out),
        }
        words = ("-q", "-p", "no:cacheprovider", "-p", "hermetic._pytest.plugin", *plugins, "-p", Path(__file__).stem)
        subprocess.run(
            [sys.executable, "-m", "pytest", *words], cwd=directory, env=environment, check=True, capture_output=True
        )
        labels: dict[str, float] = json.loads(out.read_text())["labels"]
    parts = dict.fromkeys(PARTS, 0.0)
    for label, took in labels.items():
        part = next(part for part, starts in PARTS.items() if label.startswith(starts))
        parts[part] += took
    return parts


def bytes_of_one(depth: int, count: int = 5000) -> float:
    """
    What the census keeps of one open resource that was made `depth` frames deep.
    """
    from hermetic.foundation import Owner
    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.census import Census
    from hermetic.guard.census.exit_stacks import ExitStacks
    from hermetic.guard.ownership import Roll, Tenure

    class Thing:
        pass

    roll = Roll()
    census = Census([], roll=roll, arrivals=Arrivals())
    roll.enter(Tenure(lambda: Owner(kind="test", name="benchmark")))
    tracker, things = ExitStacks(), [Thing() for _ in range(count)]

    def open_all(below: int) -> None:
        if below > 0:
            return open_all(below - 1)
        for thing in things:
            census.opened(tracker, thing, skip=1)
        return None

    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    open_all(depth - 3)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / count


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tests", type=int, default=1000, help="tests in each suite (1000)")
    tests = options.parse_args().tests
    shares = {kind: measure(kind, tests) for kind in SUITES}
    print("| part | synchronous, µs a test | asynchronous, µs a test |\n|---|---|---|")
    for part in PARTS:
        print(f"| {part} | {shares['synchronous'][part]:.0f} | {shares['asynchronous'][part]:.0f} |")
    print(f"| sum | {sum(shares['synchronous'].values()):.0f} | {sum(shares['asynchronous'].values()):.0f} |")
    print("\nmemory of an open resource in the census:")
    for depth in (5, 15, 40):
        print(f"  made {depth:>2} frames below the runner: {bytes_of_one(depth):.0f} bytes")


if __name__ == "__main__":
    main()
