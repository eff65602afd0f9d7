"""
Runs of one test, and where they come from.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hermetic.record.history.intervals import Interval, highest_rate, jeffreys
from hermetic.runs.command import pytest_command
from hermetic.runs.outcomes import read_part
from hermetic.runs.probe import Prober

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_CALM_HASH = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """
    One run of a test: whether it failed, what it said then, what it used, and its setting.

    `is_first` when its process had not run the test before.
    """

    failed: bool
    setting: Mapping[str, Any]
    text: str = ""
    used: frozenset[str] = frozenset()
    duration_s: float = 0.0
    is_first: bool = False
    was_skipped: bool = False
    before: tuple[str, ...] = ()


@dataclass(slots=True)
class Arm:
    """
    The runs of a test under one condition.
    """

    runs: int = 0
    failures: int = 0
    failed: list[Trial] = field(default_factory=list[Trial])

    def add(self, trial: Trial) -> None:
        self.runs += 1
        self.failures += trial.failed
        if trial.failed and len(self.failed) < 8:
            self.failed.append(trial)

    def __add__(self, other: Arm) -> Arm:
        """
        The runs of both.
        """
        return Arm(self.runs + other.runs, self.failures + other.failures, [*self.failed, *other.failed][:8])

    @property
    def interval(self) -> Interval:
        """
        Of the failure rate, 95 %, after Jeffreys.
        """
        return jeffreys(self.failures, self.runs)

    @property
    def highest(self) -> float:
        """
        The highest rate that is still possible, 95 %.
        """
        return self.interval.high if self.failures else highest_rate(self.runs)


class Bench:
    """
    The suite, collected once in a process that is forked for runs; and new interpreters where that will not do.

    A context manager.

    Args:
        arguments: pytest's: what to collect.
        cwd: where.
        timeout: of one process of runs, in seconds.

    Raises:
        ProbeError: on entering, the suite cannot be collected.
    """

    def __init__(self, arguments: Sequence[str], *, cwd: Path | None = None, timeout: float = 60.0) -> None:
        self._arguments = arguments
        self._cwd = cwd
        self._timeout = timeout
        # One interpreter's strings are all hashed by one seed, so this is held still for all that are forked from it.
        self._prober = Prober(
            arguments, cwd=cwd, timeout=max(timeout, 60.0), environment={**os.environ, "PYTHONHASHSEED": _CALM_HASH}
        )

    def __enter__(self) -> Self:
        self._prober.__enter__()
        self._prober.timeout = self._timeout
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._prober.__exit__(kind, error, trace)

    @property
    def collected(self) -> list[str]:
        return self._prober.collected

    def run(
        self,
        test: str,
        settings: Sequence[Mapping[str, Any]],
        *,
        before: Sequence[str] = (),
        load: Mapping[str, int] | None = None,
        turns: int | None = None,
    ) -> list[Trial]:
        """
        Run a test under each setting in one fresh process. If that is lost, the setting it was at counts as a failure, and
        those after it were not run.
        """
        answers, was_lost = self._prober.stress([*before, test], settings, load=load, turns=turns)
        trials = [
            Trial(
                failed=answer["outcome"] == "failed",
                setting=answer["stressed"],
                text=answer["text"],
                used=frozenset(answer["used"]),
                duration_s=answer["duration_s"],
                is_first=number == 0,
                was_skipped=answer["outcome"] == "skipped",
                before=tuple(before),
            )
            for number, answer in enumerate(answers)
        ]
        if was_lost and len(trials) < len(settings):
            text = f"its process was lost, or did not end within {self._timeout:g} s"
            trials.append(
                Trial(
                    failed=True,
                    setting=settings[len(trials)],
                    text=text,
                    is_first=not trials,
                    before=tuple(before),
                )
            )
        return trials

    def interpret(self, tests: Sequence[str], *, hash_seed: int) -> dict[str, Trial]:
        """
        Run tests once in a new interpreter with this hash seed. A test of which nothing is known counts as failed.
        """
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "outcomes.jsonl"
            command = pytest_command(
                *("-q", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:rerunfailures"),
                *("--hermetic-history=off", "--hermetic-isolation=off", "--hermetic-policy=off"),
                *("--hermetic-retries=0", f"--hermetic-outcomes={file}", *tests),
            )
            # What it did not get to in its time counts as failed.
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    command,
                    cwd=self._cwd,
                    env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=self._timeout * max(1, len(tests)),
                    check=False,
                )
            outcomes = {one.nodeid: one for one in read_part(file).outcomes}
        setting = {"hash": hash_seed}
        return {
            test: Trial(
                failed=test not in outcomes or outcomes[test].is_bad,
                setting=setting,
                text=outcomes[test].text if test in outcomes else "its process was lost",
                is_first=True,
            )
            for test in tests
        }


def told(setting: Mapping[str, Any]) -> str:
    """
    A setting as `--again` takes it.
    """
    return json.dumps(dict(setting), separators=(",", ":"))
