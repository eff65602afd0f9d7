"""
One change judged: a copy of the sources with it, and a child process in which the chosen tests run.

The parent is warm: it has imported what tests need, but nothing of the two products, and each trial is a fork of it. The
copy comes first on the path of the child and of every process that it starts, so a changed plugin is also changed in the
runs of pytest that the tests are about.
"""

from __future__ import annotations

import compileall
import contextlib
import importlib
import os
import shutil
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from development.mutation.reach import PYTEST
from development.mutation.subjects import ROOT, SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from development.mutation.mutants import Mutant

_WARM = (
    "pytest",
    "pytest_asyncio.plugin",
    "hypothesis.configuration",
    "hypothesis.extra.pytestplugin",
    "asyncio",
    "aiohttp",
    "aiohttp.web",
    "aiosqlite",
    "sqlite3",
    "structlog",
    "pydantic_settings",
    "click",
    "dns.message",
    "httptools",
)
# What is warm cannot be rewritten for assertions by pytest, which it does to plugins; nothing is lost but words.
_OPTIONS = (*PYTEST, "--hypothesis-seed=0", "-W", "ignore:Module already imported so cannot be rewritten")
SURVIVED = "survived"
KILLED = "killed"
TIMED_OUT = "timed out"


def slowness() -> float:
    """
    How many times longer than alone a computation takes now, beside whatever else the machine does: from 1 to 10.
    """
    began, computed = time.monotonic(), time.process_time()
    while time.process_time() - computed < 0.02:
        pass
    # A bound, since a change that hangs would otherwise take an hour on a machine that is busy enough.
    return min(10.0, max(1.0, (time.monotonic() - began) / 0.02))


class Workshop:
    """
    The copy of the sources that one change at a time is written into.
    """

    def __init__(
        self,
        folder: Path,
        *,
        sources: Mapping[str, Path] = SOURCES,
        root: Path = ROOT,
        warm: Sequence[str] = _WARM,
        options: Sequence[str] = _OPTIONS,
    ) -> None:
        self._folder = folder
        self._sources = sources
        self._root = root
        self._warm = warm
        self._options = options
        self._paths: list[str] = []

    def set_up(self) -> None:
        """
        Copy and compile the sources, and import what tests need.

        Raises:
            RuntimeError: one of those imports brought a module of the products with it.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        for package, source in self._sources.items():
            target = self._folder / package
            # With the times of the files, so that the bytecode beside them stays good.
            shutil.copytree(source, target)
            compileall.compile_dir(target, quiet=2)
            self._paths.append(str(target))
        for name in self._warm:
            importlib.import_module(name)
        if hypothesis := sys.modules.get("hypothesis.configuration"):
            # What breaks a changed program is no example for the real one.
            hypothesis.set_hypothesis_home_dir(str(self._folder / "hypothesis"))
        loaded = [name for name in sys.modules if name.partition(".")[0] in self._sources]
        if loaded:
            raise RuntimeError(f"imported before any change, and so never changed: {', '.join(loaded)}")

    def is_sound(self, tests: Sequence[str], *, limit: float) -> bool:
        """
        Whether `tests` pass on the unchanged copy: if not, no verdict reached with them means anything.
        """
        return self._run(tests, limit=limit) == SURVIVED

    def judge(self, mutant: Mutant, tests: Sequence[str], *, limit: float) -> str:
        """
        Run `tests` (files) on the changed sources for at most `limit` seconds; longer, when the machine is busy.

        Returns:
            SURVIVED when all of them pass, KILLED when one fails or none can even be collected, or TIMED_OUT.
        """
        package = mutant.module.partition("/")[0]
        path = self._folder / package / mutant.module
        text = path.read_text("utf-8")
        path.write_text(mutant.applied_to(text), "utf-8")
        self._forget(path)
        try:
            return self._run(tests, limit=limit)
        finally:
            path.write_text(text, "utf-8")
            self._forget(path)

    def _run(self, tests: Sequence[str], *, limit: float) -> str:
        pid = os.fork()
        if pid == 0:
            self._child(tests)
        ends = time.monotonic() + limit * slowness()
        try:
            while time.monotonic() < ends:
                done, status = os.waitpid(pid, os.WNOHANG)
                if done:
                    return SURVIVED if os.waitstatus_to_exitcode(status) == 0 else KILLED
                time.sleep(0.02)
            return TIMED_OUT
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)

    def _child(self, tests: Sequence[str]) -> NoReturn:
        status = 3
        try:
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            os.chdir(self._root)
            sys.path[:0] = self._paths
            # No bytecode: a change of the same length within a second would be taken for the module before it.
            sys.dont_write_bytecode = True
            os.environ |= {"PYTHONPATH": os.pathsep.join(self._paths), "PYTHONDONTWRITEBYTECODE": "1"}
            status = int(importlib.import_module("pytest").main([*self._options, *tests]))
            sys.stdout.flush()
        finally:
            os._exit(status)

    @staticmethod
    def _forget(path: Path) -> None:
        for file in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            file.unlink()
