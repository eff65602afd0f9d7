"""
A straight line through measurements, with the interval in which its slope lies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST: Final = 5
"""
So many points a fit needs.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """
    A value that lies within `margin` of `value` with the probability `confidence` (0 to 1).
    """

    value: float
    margin: float
    confidence: float

    @property
    def low(self) -> float:
        return self.value - self.margin

    @property
    def high(self) -> float:
        return self.value + self.margin

    def __str__(self) -> str:
        digits = 0 if self.margin >= 1 or self.value == int(self.value) else 1 if self.margin >= 0.1 else 3
        return f"{self.value:.{digits}f} ± {self.margin:.{digits}f}"


def slope(xs: Sequence[float], ys: Sequence[float], *, confidence: float = 0.99) -> Estimate:
    """
    The slope of the least-squares line, with the half width of its confidence interval.

    Measurements of memory that follow each other are alike, which would make the interval too narrow: the number of
    points counts only as n (1 - r) / (1 + r), r being the correlation of neighbouring residuals where that is positive.

    Raises:
        ValueError: fewer than 5 points, or all at one x.

    Source: for the effective number, Wilks, Statistical Methods in the Atmospheric Sciences, section 5.2.4.
    """
    count = len(xs)
    if count < LEAST or len(ys) != count:
        raise ValueError(f"{count} points and {len(ys)} values: a fit needs as many of both, and at least {LEAST}")
    mean_x, mean_y = fmean(xs), fmean(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    if spread == 0:
        raise ValueError("all points have one x: there is no slope")
    value = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    residuals = [y - mean_y - value * (x - mean_x) for x, y in zip(xs, ys, strict=True)]
    squares = sum(one * one for one in residuals)
    effective = max(float(LEAST - 1), count * _independence(residuals, squares))
    error = math.sqrt(squares / (count - 2) / spread * count / effective)
    return Estimate(value=value, margin=error * student(confidence, effective - 2), confidence=confidence)


def _independence(residuals: Sequence[float], squares: float) -> float:
    if squares == 0:
        return 1.0
    together = sum(one * other for one, other in pairwise(residuals))
    correlation = min(0.95, max(0.0, together / squares))
    return (1 - correlation) / (1 + correlation)


def student(confidence: float, degrees: float) -> float:
    """
    The two-sided quantile of Student's t: |t| stays below it with the probability `confidence`.

    Exact to about a hundredth from five degrees of freedom on, too small by up to a fifth at two.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, 1))
