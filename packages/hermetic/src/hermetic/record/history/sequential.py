"""
Running a test until enough is known, and no longer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Judgement = Literal["stable", "flaky", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialTest:
    """
    Wald's sequential probability ratio test of two failure rates.

    Args:
        stable_rate: up to this rate a test counts as stable.
        flaky_rate: from this rate on it counts as flaky.
        wrongly_flaky: at most this share of stable tests is called flaky.
        wrongly_stable: at most this share of flaky tests is called stable.

    Raises:
        ValueError: the rates are not in this order between 0 and 1, or a share is not between 0 and .5.

    Source: A. Wald, Sequential tests of statistical hypotheses, Annals of Mathematical Statistics 16 (1945).
    """

    stable_rate: float = 0.001
    flaky_rate: float = 0.05
    wrongly_flaky: float = 0.05
    wrongly_stable: float = 0.05

    def __post_init__(self) -> None:
        if not 0.0 < self.stable_rate < self.flaky_rate < 1.0:
            raise ValueError(f"stable_rate = {self.stable_rate!r} must lie below flaky_rate = {self.flaky_rate!r}")
        for name in ("wrongly_flaky", "wrongly_stable"):
            if not 0.0 < getattr(self, name) < 0.5:
                raise ValueError(f"{name} = {getattr(self, name)!r} must lie between 0 and 0.5")

    def evidence(self, *, failures: int, passes: int) -> float:
        """
        The logarithm of how much likelier this is for a flaky test than for a stable one.
        """
        return failures * math.log(self.flaky_rate / self.stable_rate) + passes * math.log(
            (1.0 - self.flaky_rate) / (1.0 - self.stable_rate)
        )

    def judge(self, *, failures: int, passes: int) -> Judgement:
        evidence = self.evidence(failures=failures, passes=passes)
        if evidence >= math.log((1.0 - self.wrongly_stable) / self.wrongly_flaky):
            return "flaky"
        if evidence <= math.log(self.wrongly_stable / (1.0 - self.wrongly_flaky)):
            return "stable"
        return "open"

    def passes_left(self, *, failures: int, passes: int) -> int:
        """
        How many more passes in a row would make it stable; 0 when it is, or can no longer become so.
        """
        if self.judge(failures=failures, passes=passes) != "open":
            return 0
        wanted = math.log(self.wrongly_stable / (1.0 - self.wrongly_flaky))
        each = math.log((1.0 - self.flaky_rate) / (1.0 - self.stable_rate))
        missing = (wanted - self.evidence(failures=failures, passes=passes)) / each
        return max(0, math.ceil(missing - 1e-9))
