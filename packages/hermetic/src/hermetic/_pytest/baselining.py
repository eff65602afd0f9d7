"""
The baseline of an old suite in a pytest run: what is known does not fail, and what is mended is taken off.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from hermetic._pytest.findings import REPORT_ATTRIBUTE
from hermetic._pytest.hooks import Hooks
from hermetic.guard.baseline import Baseline, BaselineError, load, mark_of, save

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hermetic.foundation.finding import Finding
    from hermetic.guard.baseline import Counts, Mark
    from hermetic.guard.policy import Level

# Options by which a run leaves tests out, so that a broad fixture may not have been used at all.
_NARROWING = ("keyword", "markexpr", "deselect", "lf", "maxfail")


class Baselining(Hooks):
    """
    One run's view of the file, in the worker that judges and in the controller that writes.
    """

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._config = config
        self._path = path
        self._is_writing = bool(config.getoption("--hermetic-baseline-write"))
        self._root = str(config.rootpath)
        try:
            self._baseline = Baseline() if self._is_writing and not path.exists() else load(path)
        except BaselineError as error:
            raise pytest.UsageError(str(error)) from error
        self._seen: defaultdict[str, Counts] = defaultdict(Counter)
        self._ran: set[str] = set()
        self._is_narrowed = any(config.getoption(name, None) for name in _NARROWING)
        self._lines: list[str] = []

    def level(self, level: Level, finding: Finding) -> Level:
        """
        What to do about a finding of this level: a known one that would fail is only counted.
        """
        if level != "error":
            return level
        mark = mark_of(asdict(finding), root=self._root)
        is_known = self._baseline.is_known(mark, count=finding.count)
        return "known" if is_known or self._is_writing else "error"

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._is_narrowed = self._is_narrowed or bool(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self._ran.add(report.nodeid)
        worker = str(getattr(report, "worker_id", ""))
        for finding in getattr(report, REPORT_ATTRIBUTE, ()):
            if finding["level"] in {"error", "known"}:
                self._seen[worker][mark_of(finding, root=self._root)] += finding["count"]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if hasattr(self._config, "workerinput"):
            return  # the controller sees the reports of all workers
        if exitstatus not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            self._lines.append(f"{self._path}: left as it is, since the run was cut short")
            return
        # Each worker of pytest-xdist sets up a broad fixture of its own: that is one finding, seen by several.
        seen: Counts = Counter()
        for counts in self._seen.values():
            seen |= counts
        after = self._baseline.after(seen, has_run=self._has_run)
        if self._is_writing:
            after |= seen
        self._tell(seen, after)
        if after != self._baseline.known or not self._path.exists():
            try:
                save(self._path, after)
            except OSError as error:
                self._lines.append(f"{self._path} could not be written: {error}")

    def _has_run(self, mark: Mark) -> bool:
        if mark.owner.startswith("test "):
            return mark.node in self._ran
        if self._is_narrowed:
            return False
        if mark.scope in {"class", "module"}:
            chosen = any("::" in str(argument) for argument in self._config.args)
            return not chosen and any(nodeid.startswith(mark.node) for nodeid in self._ran)
        return self._config.args_source is not pytest.Config.ArgsSource.ARGS

    def _tell(self, seen: Counts, after: Counts) -> None:
        known = self._baseline.known
        if self._is_writing:
            self._lines.append(f"{self._path}: {after.total()} findings written; from now on only others fail")
            return
        met = seen & known
        self._lines.append(f"{self._path}: {met.total()} of {known.total()} known findings seen")
        for mark, count in sorted(met.items()):
            times = f"{count} x " if count > 1 else ""
            self._lines.append(f"  known: {times}{mark.kind} of {mark.owner}  {mark.where}".rstrip())
        for mark, count in sorted((known - after).items()):
            self._lines.append(f"  taken off, {count} less: {mark.kind} of {mark.owner}  {mark.where}".rstrip())

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._lines:
            terminalreporter.section("Hermetic's baseline")
            for line in self._lines:
                terminalreporter.line(line)


def baselining(config: pytest.Config) -> Baselining | None:
    """
    The baseline that options ask for, if they do.

    Raises:
        pytest.UsageError: the file cannot be read, or there is none to write to.
    """
    word = config.getoption("--hermetic-baseline")
    ini = str(config.getini("hermetic_baseline"))
    if word:
        return Baselining(config, config.invocation_params.dir / word)
    if ini:
        return Baselining(config, config.rootpath / ini)
    if config.getoption("--hermetic-baseline-write"):
        raise pytest.UsageError("--hermetic-baseline-write: name the file as well, with --hermetic-baseline=FILE.")
    return None
