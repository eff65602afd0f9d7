"""
How sure a rate is that was seen k times in n: intervals, and how many more runs would make it sure.

Rates are shares from 0 to 1. `confidence` is a share too, .95 unless told otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from hermetic.record.history.beta import beta_quantile


@dataclass(frozen=True, slots=True)
class Interval:
    """
    From `low` to `high`, both within 0 and 1.
    """

    low: float
    high: float

    @classmethod
    def bounded(cls, low: float, high: float) -> Self:
        return cls(max(0.0, low), min(1.0, high))

    def __contains__(self, rate: float) -> bool:
        return self.low <= rate <= self.high

    @property
    def width(self) -> float:
        return self.high - self.low


def _checked(k: int, n: int, confidence: float) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no count: it must be from 0 to {n}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence = {confidence!r} must lie between 0 and 1")


def _z(confidence: float) -> float:
    if confidence == 0.95:
        # Asked for with every test that is shown, and the module beside takes longer to load than all of that.
        return 1.959963984540054
    from statistics import NormalDist  # noqa: PLC0415 - see above

    return NormalDist().inv_cdf((1.0 + confidence) / 2.0)


def wilson(k: int, n: int, *, confidence: float = 0.95) -> Interval:
    """
    The score interval. Its mean coverage is close to `confidence` also for small n.

    Raises:
        ValueError: `k` is not within 0 and `n`, or `confidence` not between 0 and 1.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927);
    recommended with Jeffreys' in Brown, Cai and DasGupta, Statistical Science 16 (2001).
    """
    _checked(k, n, confidence)
    if n == 0:
        return Interval(0.0, 1.0)
    z = _z(confidence)
    seen = k / n
    centre = seen + z * z / (2 * n)
    half = z * math.sqrt(seen * (1.0 - seen) / n + z * z / (4 * n * n))
    scale = 1.0 + z * z / n
    low = 0.0 if k == 0 else (centre - half) / scale
    high = 1.0 if k == n else (centre + half) / scale
    return Interval.bounded(low, high)


def jeffreys(k: int, n: int, *, confidence: float = 0.95) -> Interval:
    """
    The equal-tailed interval of the posterior for the prior Beta(1/2, 1/2); its open end is 0 at k = 0 and 1 at k = n.

    Raises:
        ValueError: as for `wilson`.

    Source: Brown, Cai and DasGupta, Interval estimation for a binomial proportion, Statistical Science 16 (2001), 4.1.
    """
    _checked(k, n, confidence)
    if n == 0:
        return Interval(0.0, 1.0)
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if k == 0 else beta_quantile(tail, k + 0.5, n - k + 0.5)
    high = 1.0 if k == n else beta_quantile(1.0 - tail, k + 0.5, n - k + 0.5)
    return Interval.bounded(low, high)


def clopper_pearson(k: int, n: int, *, confidence: float = 0.95) -> Interval:
    """
    The exact interval: it never covers less than `confidence`, and mostly more.

    Raises:
        ValueError: as for `wilson`.

    Source: C. J. Clopper and E. S. Pearson, The use of confidence or fiducial limits, Biometrika 26 (1934).
    """
    _checked(k, n, confidence)
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if k == 0 else beta_quantile(tail, k, n - k + 1)
    high = 1.0 if k == n else beta_quantile(1.0 - tail, k + 1, n - k)
    return Interval.bounded(low, high)


def highest_rate(n: int, *, confidence: float = 0.95) -> float:
    """
    The highest failure rate that n passes in a row leave possible: 1 - (1 - confidence)^(1/n); about 3/n.

    Source: the rule of three, exact form; Hanley and Lippman-Hand, JAMA 249 (1983).
    """
    _checked(0, n, confidence)
    return 1.0 if n == 0 else -math.expm1(math.log1p(-confidence) / n)


def runs_to_see(rate: float, *, confidence: float = 0.95) -> int:
    """
    How many runs it takes to see a failure of this rate at least once, with this confidence.

    Raises:
        ValueError: `rate` or `confidence` is not between 0 and 1.

    Source: the geometric distribution; 170 for the median flaky test in Gruber et al., ICST 2021.
    """
    if not 0.0 < rate < 1.0:
        raise ValueError(f"rate = {rate!r} must lie between 0 and 1")
    _checked(0, 1, confidence)
    return math.ceil(math.log1p(-confidence) / math.log1p(-rate) - 1e-9)
