"""
Runs one test again and again in this process, each time under a setting of its own, and tells how it ended.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from hermetic._pytest.interleaving import asynchronous_fixtures, coroutine_function
from hermetic._pytest.retrying import new_instance
from hermetic.guard.strain.chance import Chance
from hermetic.guard.strain.clock import StrainedClock
from hermetic.guard.strain.loops import Lag
from hermetic.guard.strain.patches import Patches, Project
from hermetic.guard.strain.surroundings import Surroundings, few_descriptors, small_turns, zone
from hermetic.guard.strain.waits import LongWaits

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_MOST_TEXT = 4000
# What would hide how a try ended.
_HIDING = ("hermetic-retrying", "hermetic-retry-scout", "hermetic-quarantine", "hermetic-interleave-all")


def stress(items: list[pytest.Item], settings: list[dict[str, Any]], *, tell: Callable[[dict[str, Any]], None]) -> None:
    """
    Run all but the last item once, then the last under each setting. The first setting finds a process that has run no
    test but those, each further one a warmer one.

    A setting may name: `random` (a seed), `at`, `fraction` and `step` (of the wall clock), `zone`, `switch` (seconds a thread
    may run), `files` (descriptors left free), `disk` (the longest delay), `lag` and `interleave` (seeds), `ports` (taken),
    `waits` (a factor).
    """
    *before, item = items
    manager = item.config.pluginmanager
    for name in _HIDING:
        plugin = manager.get_plugin(name)
        if plugin is not None:
            manager.unregister(plugin)
    run = _Run(Project(item.config.rootpath))
    manager.register(run, "hermetic-stressing")
    for number, one in enumerate(before):
        comes_next = before[number + 1] if number + 1 < len(before) else item
        one.config.hook.pytest_runtest_protocol(item=one, nextitem=comes_next)
    for number, setting in enumerate(settings):
        # What has a higher scope than the test stays: told that its parent comes next, pytest tears down the rest.
        following = item.parent if number + 1 < len(settings) else None
        tell(run.once(item, following, setting))


class _Run:
    def __init__(self, project: Project) -> None:
        self._project = project
        self._surroundings = Surroundings()
        self._setting: dict[str, Any] = {}
        self._clock: StrainedClock | None = None
        self._outcome, self._text, self._seconds = "passed", "", 0.0
        self._has_run = False

    def once(self, item: pytest.Item, following: Any, setting: dict[str, Any]) -> dict[str, Any]:
        self._setting = setting
        self._outcome, self._text, self._seconds = "passed", "", 0.0
        if self._has_run:
            new_instance(item)
        self._has_run = True
        with self._strained(setting) as used:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if isinstance(item, pytest.Function) and _can_interleave(item):
            used.append("tasks")
        return {
            "stressed": setting,
            "outcome": self._outcome,
            "text": self._text,
            "used": used,
            "duration_s": self._seconds,
        }

    @contextlib.contextmanager
    def _strained(self, setting: dict[str, Any]) -> Generator[list[str]]:
        step = setting.get("step")
        around = self._surroundings
        used: list[str] = []
        threads = [0]
        with contextlib.ExitStack() as stack:
            if "zone" in setting:
                stack.enter_context(zone(setting["zone"]))
            patches = stack.enter_context(Patches())
            patches.replace(threading.Thread, "start", lambda real: _counted(real, threads))
            patches.replace(os, "fsync", around.fsync)
            chance = stack.enter_context(Chance(setting.get("random", 0)))
            waits = stack.enter_context(LongWaits(setting.get("waits", 1.0), project=self._project))
            lag = stack.enter_context(Lag(setting.get("lag", 0), share=0.2 if "lag" in setting else 0.0))
            clock = self._clock = stack.enter_context(
                StrainedClock(
                    project=self._project,
                    at=setting.get("at"),
                    fraction=setting.get("fraction"),
                    step=(step[0], step[1]) if step else None,
                    slow=setting.get("waits", 1.0),
                )
            )
            if "switch" in setting:
                stack.enter_context(small_turns(setting["switch"]))
            if "files" in setting:
                stack.enter_context(few_descriptors(setting["files"]))
            around.begin(
                seed=setting.get("random", 0),
                slow_s=setting.get("disk", 0.0),
                takes_ports=bool(setting.get("ports")),
            )
            try:
                yield used
            finally:
                around.end()
        counted = {
            "random": chance.was_used,
            "clock": clock.wall_reads,
            "time": clock.wall_reads + clock.other_reads + waits.waits + threads[0] + around.timed,
            "loop": lag.callbacks,
            "threads": threads[0],
            "files": around.files,
            "ports": around.ports,
        }
        used += [name for name, count in counted.items() if count]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        if self._clock is not None:
            self._clock.anchor()
        began = _now()
        try:
            return (yield)
        finally:
            self._seconds = _now() - began

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> object | None:
        seed = self._setting.get("interleave")
        if seed is None or not _can_interleave(pyfuncitem):
            return None
        from hermetic.guard.schedule import InterleavingError, interleave  # noqa: PLC0415 - it brings asyncio

        function = coroutine_function(pyfuncitem)
        assert function is not None  # noqa: S101 - it can be interleaved
        names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001 - nothing public tells a test's arguments
        arguments = {name: pyfuncitem.funcargs[name] for name in names}
        try:
            interleave(lambda: function(**arguments), seed=seed)
        except InterleavingError as error:
            error.error.add_note(str(error))
            raise error.error from None
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self._outcome != "failed":
            self._outcome, self._text = "failed", str(report.longrepr)[-_MOST_TEXT:]
        elif report.skipped and not hasattr(report, "wasxfail") and self._outcome == "passed":
            self._outcome = "skipped"


_now = time.perf_counter


def _can_interleave(item: pytest.Function) -> bool:
    return coroutine_function(item) is not None and not asynchronous_fixtures(item)


def _counted(real: Callable[[threading.Thread], None], count: list[int]) -> Callable[[threading.Thread], None]:
    def start(thread: threading.Thread) -> None:
        count[0] += 1
        real(thread)

    return start
