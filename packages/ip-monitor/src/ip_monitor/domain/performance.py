"""
How well a source does, from what it answered.

The score is `100 · s · a · l`, from 0 to 100:

    s  the lower bound of the 95 % Wilson interval of its successes, so that one lucky answer does not lead a ranking
    a  the share of its addresses that agreed with a decisive verdict, 1 while there was none to compare with
    l  1 / (1 + median latency in seconds): 0.1 s gives 0.91, 1 s gives 0.5

Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.domain.addresses import is_same_line
from ip_monitor.domain.answers import FailureKind

if TYPE_CHECKING:
    from ip_monitor.domain.answers import Answer
    from ip_monitor.domain.verdicts import Verdict

_LATENCIES = 200
# The 97.5 % point of the standard normal distribution.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatistics:
    """
    Counts are since the start; latencies are of the last 200 successes, seconds, None before the first. A lie is an
    address other than the one a decisive verdict named.
    """

    asked: int
    successes: int
    agreements: int
    lies: int
    latency_p50_s: float | None
    latency_p95_s: float | None
    last_error: str
    score: float

    @property
    def success_share(self) -> float | None:
        return self.successes / self.asked if self.asked else None

    @property
    def agreement_share(self) -> float | None:
        compared = self.agreements + self.lies
        return self.agreements / compared if compared else None


class Performance:
    """
    Collects the answers of one source.
    """

    def __init__(self) -> None:
        self._asked = 0
        self._successes = 0
        self._agreements = 0
        self._lies = 0
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._last_error = ""

    def record(self, answer: Answer, verdict: Verdict | None = None) -> None:
        """
        Count one answer; `verdict` is that of the ballot it was part of. Who was not asked has not failed.
        """
        if answer.failure is not None and answer.failure.kind is FailureKind.NOT_ASKED:
            return
        self._asked += 1
        if answer.failure is not None:
            self._last_error = answer.failure.detail
            return
        self._successes += 1
        self._latencies.append(answer.latency_s)
        if verdict is not None and verdict.is_decisive:
            is_same = is_same_line(answer.address, verdict.address)
            self._agreements += is_same
            self._lies += not is_same

    def statistics(self) -> SourceStatistics:
        latencies = sorted(self._latencies)
        p50, p95 = _quantile(latencies, 0.5), _quantile(latencies, 0.95)
        compared = self._agreements + self._lies
        agreement = self._agreements / compared if compared else 1.0
        speed = 0.0 if p50 is None else 1 / (1 + p50)
        return SourceStatistics(
            asked=self._asked,
            successes=self._successes,
            agreements=self._agreements,
            lies=self._lies,
            latency_p50_s=p50,
            latency_p95_s=p95,
            last_error=self._last_error,
            score=100 * wilson_lower(self._successes, self._asked) * agreement * speed,
        )


def wilson_lower(successes: int, tries: int) -> float:
    """
    The lower bound of the 95 % Wilson interval; 0 without tries.
    """
    if tries == 0:
        return 0.0
    share, z2 = successes / tries, _Z * _Z
    centre = share + z2 / (2 * tries)
    spread = _Z * math.sqrt((share * (1 - share) + z2 / (4 * tries)) / tries)
    return max(0.0, (centre - spread) / (1 + z2 / tries))


def _quantile(ordered: list[float], q: float) -> float | None:
    """
    The nearest rank: the smallest value that at least a share of `q` does not exceed.
    """
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)] if ordered else None
