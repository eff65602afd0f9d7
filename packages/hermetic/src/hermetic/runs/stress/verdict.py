"""
From runs under conditions to a class, a cause, and the surroundings in which the failure goes away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from hermetic.record.history.comparing import fisher_one_sided
from hermetic.runs.stress.conditions import SPECIFIC

if TYPE_CHECKING:
    from hermetic.runs.stress.conditions import Condition
    from hermetic.runs.stress.trials import Arm, Trial

Class: TypeAlias = Literal[
    "stable", "flaky", "broken", "order-dependent", "cold-start", "timing", "sensitive", "skipped", "unknown"
]
# That any of fifteen conditions is named by chance, for a test that none of them touches, is then below 1 %.
SURE = 0.0005


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """
    A condition that changes how often a test fails.

    Args:
        condition: which.
        arm: all runs under it.
        again: runs of one failing setting once more, for conditions that are exact.
        chance: the probability of such a difference if the condition made none (Fisher, one-sided).
        patient: runs under it with all waits and timeouts multiplied; None where that was not asked.
        example: a run that failed.
    """

    condition: Condition
    arm: Arm
    again: Arm | None
    chance: float
    example: Trial
    patient: Arm | None = None

    @property
    def is_timing(self) -> bool:
        """
        Whether longer waits and timeouts make the failure go away.
        """
        if self.patient is None:
            return False
        return (
            fisher_one_sided(
                failures=self.arm.failures,
                runs=self.arm.runs,
                other_failures=self.patient.failures,
                other_runs=self.patient.runs,
            )
            < 0.02
        )


@dataclass(slots=True)
class Verdict:
    """
    What was learnt of one test.

    `calm` holds the runs in calm surroundings, `first` and `later` the same by whether their process had run the test
    before; `arms` the runs under each condition that found nothing, `unmet` the conditions that the test never meets.
    """

    test: str
    class_: Class
    calm: Arm
    first: Arm
    later: Arm
    causes: list[Cause] = field(default_factory=list["Cause"])
    arms: dict[str, Arm] = field(default_factory=dict[str, "Arm"])
    unmet: list[str] = field(default_factory=list[str])
    is_repeatable: bool = True
    notes: list[str] = field(default_factory=list[str])

    @property
    def runs(self) -> int:
        return self.calm.runs + sum(arm.runs for arm in self.arms.values())

    @property
    def cause(self) -> Cause | None:
        """
        The one that explains the others.
        """
        if not self.causes:
            return None
        slow = [cause for cause in self.causes if cause.condition.is_slow and cause.is_timing]
        if slow:
            return max(slow, key=lambda cause: cause.arm.failures / cause.arm.runs)
        return min(self.causes, key=lambda cause: SPECIFIC.index(cause.condition.name))


def classify(verdict: Verdict, *, rate: float) -> Class:
    """
    The class of a test that passes in calm surroundings at least once.

    Args:
        verdict: with its runs and causes.
        rate: a test is stable when failures as often as this would have been seen.

    Source: classes after Luo et al., An empirical analysis of flaky tests (2014), and Lam et al., iDFlakies (2019).
    """
    cause = verdict.cause
    if cause is not None:
        return _class_of(cause)
    if is_cold(verdict):
        return "cold-start"
    if verdict.calm.failures:
        return "flaky"
    if any(arm.failures for arm in verdict.arms.values()) or verdict.calm.highest > rate * 1.02:
        return "unknown"
    return "stable"


def _class_of(cause: Cause) -> Class:
    if cause.condition.name == "order":
        return "order-dependent"
    if cause.is_timing:
        return "timing"
    always = cause.arm.failures == cause.arm.runs
    return "sensitive" if cause.condition.is_provoked and always else "flaky"


def is_cold(verdict: Verdict) -> bool:
    """
    Whether the test fails more often in a process that has not run it before.
    """
    first, later = verdict.first, verdict.later
    if not first.runs or not later.runs:
        return False
    chance = fisher_one_sided(
        failures=first.failures, runs=first.runs, other_failures=later.failures, other_runs=later.runs
    )
    return chance < SURE


_NUMBER = r"-?\d+\.\d+(?:[eE][-+]?\d+)?"
_COMPARED = re.compile(rf"assert \(?({_NUMBER})\)? [=!]= \(?({_NUMBER})\)?")


def is_rounding(text: str) -> bool:
    """
    Whether a failure compares two floating point numbers that differ by less than a billionth of their size.
    """
    for left, right in _COMPARED.findall(text):
        one, other = float(left), float(right)
        if 0.0 < abs(one - other) <= 1e-9 * max(abs(one), abs(other)):
            return True
    return False
