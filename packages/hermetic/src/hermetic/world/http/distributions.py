"""
Where durations come from. All parameters and draws are seconds; a draw is never negative.

Every distribution but `gamma` is drawn by its inverse function from one uniform, so a draw moves with its
percentile: the same request is among the slow ones whatever the parameters. Constructors check their parameters
and raise `BoundsError`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from hermetic.world.http import bounds
from hermetic.world.http.errors import BoundsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hermetic.world.http.ports import Distribution, Draw

_STANDARD = NormalDist()
_P99 = _STANDARD.inv_cdf(0.99)
# A rejection happens in fewer than 5 of 100 rounds (Marsaglia & Tsang, table 1), so 64 in a row never do.
_GAMMA_ROUNDS = 64


@dataclass(frozen=True, slots=True)
class Constant:
    """
    Always the same.
    """

    seconds: float

    def __post_init__(self) -> None:
        bounds.duration(self.seconds, where="constant(seconds)")

    def sample(self, draw: Draw, purpose: str) -> float:  # noqa: ARG002  # the protocol's arguments
        return self.seconds

    def __str__(self) -> str:
        return f"constant({self.seconds:g})"


@dataclass(frozen=True, slots=True)
class Uniform:
    """
    Equally likely everywhere from `low` to `high`.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        bounds.duration(self.low, where="uniform(low)")
        bounds.duration(self.high, where="uniform(high)")
        if self.high < self.low:
            raise BoundsError(where="uniform(high)", value=self.high, allowed=f"at least low, which is {self.low:g}")

    def sample(self, draw: Draw, purpose: str) -> float:
        return self.low + draw.uniform(purpose) * (self.high - self.low)

    def __str__(self) -> str:
        return f"uniform({self.low:g}, {self.high:g})"


@dataclass(frozen=True, slots=True)
class Normal:
    """
    The normal distribution cut to [low, high], drawn inside the cut and not moved to its edge.

    Source: inverse transform of the truncated normal, x = mean + deviation * Phi^-1(a + u (b - a)) with a and b the
    distribution function at low and high (Robert, "Simulation of truncated normal variables", 1995, section 2).
    """

    mean: float
    deviation: float
    low: float = 0.0
    high: float = math.inf

    def __post_init__(self) -> None:
        bounds.number(self.mean, where="normal(mean)")
        bounds.duration(self.deviation, where="normal(deviation)", zero=False)
        bounds.duration(self.low, where="normal(low)")
        if math.isnan(self.high) or self.high <= self.low:
            raise BoundsError(where="normal(high)", value=self.high, allowed=f"more than low, which is {self.low:g}")
        # Beyond eight deviations the floats of the distribution function have no digits left to invert.
        if self.low > self.mean + 8 * self.deviation or self.high < self.mean - 8 * self.deviation:
            raise BoundsError(
                where="normal(mean)", value=self.mean, allowed="a mean within 8 deviations of [low, high]"
            )

    def sample(self, draw: Draw, purpose: str) -> float:
        below = _STANDARD.cdf((self.low - self.mean) / self.deviation)
        above = 1.0 if math.isinf(self.high) else _STANDARD.cdf((self.high - self.mean) / self.deviation)
        drawn = self.mean + self.deviation * _quantile(below + draw.uniform(purpose) * (above - below))
        return min(max(drawn, self.low), self.high)

    def __str__(self) -> str:
        upper = "" if math.isinf(self.high) else f", high={self.high:g}"
        return f"normal({self.mean:g}, {self.deviation:g}, low={self.low:g}{upper})"


@dataclass(frozen=True, slots=True)
class LogNormal:
    """
    The usual shape of service times, told by what people know of theirs: the median and the 99th percentile.

    Source: if ln X is normal with mu and sigma then the median is e^mu and the 99th percentile e^(mu + sigma z) with
    z = Phi^-1(0.99) = 2.3263, hence mu = ln(median), sigma = ln(p99 / median) / z (Johnson, Kotz & Balakrishnan,
    Continuous Univariate Distributions 1, chapter 14).
    """

    median: float
    p99: float

    def __post_init__(self) -> None:
        bounds.duration(self.median, where="lognormal(median)", zero=False)
        bounds.duration(self.p99, where="lognormal(p99)", zero=False)
        if self.p99 < self.median:
            raise BoundsError(
                where="lognormal(p99)", value=self.p99, allowed=f"at least the median, which is {self.median:g}"
            )

    def sample(self, draw: Draw, purpose: str) -> float:
        sigma = math.log(self.p99 / self.median) / _P99
        return self.median * math.exp(sigma * _quantile(draw.uniform(purpose)))

    def __str__(self) -> str:
        return f"lognormal(median={self.median:g}, p99={self.p99:g})"


@dataclass(frozen=True, slots=True)
class Gamma:
    """
    The sum of waits: `shape` 1 is exponential, 2 and more bulge around the mean, below 1 most are near 0.

    Source: Marsaglia & Tsang, "A simple method for generating gamma variables", ACM Transactions on Mathematical
    Software 26(3), 2000; below shape 1 by its section 6, gamma(a) = gamma(a + 1) * U^(1/a). The rounds of the
    rejection take uniforms of rising index, so the draw is as repeatable as the others.
    """

    mean: float
    shape: float

    def __post_init__(self) -> None:
        bounds.duration(self.mean, where="gamma(mean)", zero=False)
        bounds.duration(self.shape, where="gamma(shape)", zero=False)

    def sample(self, draw: Draw, purpose: str) -> float:
        shape = self.shape if self.shape >= 1 else self.shape + 1
        boost = 1.0 if self.shape >= 1 else draw.uniform(purpose, 2 * _GAMMA_ROUNDS) ** (1 / self.shape)
        return self.mean / self.shape * _standard_gamma(shape, draw, purpose) * boost

    def __str__(self) -> str:
        return f"gamma(mean={self.mean:g}, shape={self.shape:g})"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """
    What a dashboard shows: points (percentile, seconds), straight lines between them.

    Below the lowest point the line comes from 0 seconds at the 0th percentile; above the highest point draws stay at
    its value, since a dashboard that ends at p99 says nothing of what lies above.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.points:
            raise BoundsError(
                where="percentiles(points)", value=self.points, allowed="one point or more, such as {50: 0.02}"
            )
        last = (-1.0, 0.0)
        for percentile, seconds in self.points:
            bounds.duration(seconds, where=f"percentiles(p{percentile:g})")
            if not 0 <= percentile <= 100 or percentile <= last[0]:
                raise BoundsError(
                    where="percentiles(points)", value=percentile, allowed="percentiles from 0 to 100, each once"
                )
            if seconds < last[1]:
                raise BoundsError(
                    where=f"percentiles(p{percentile:g})",
                    value=seconds,
                    allowed=f"at least the value of p{last[0]:g}, {last[1]:g}",
                )
            last = (percentile, seconds)

    def sample(self, draw: Draw, purpose: str) -> float:
        wanted = draw.uniform(purpose) * 100
        points = self.points if self.points[0][0] == 0 else ((0.0, 0.0), *self.points)
        after = bisect_right([percentile for percentile, _ in points], wanted)
        if after == len(points):
            return points[-1][1]
        (left, low), (right, high) = points[after - 1], points[after]
        return low + (wanted - left) / (right - left) * (high - low)

    def __str__(self) -> str:
        return "percentiles(" + ", ".join(f"p{percentile:g}={seconds:g}" for percentile, seconds in self.points) + ")"


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    Durations that were measured. Drawn from at random, or with `in_order` the nth request takes the nth of them,
    beginning again after the last.
    """

    samples: tuple[float, ...]
    in_order: bool = False

    def __post_init__(self) -> None:
        if not self.samples:
            raise BoundsError(where="recorded(samples)", value=self.samples, allowed="one duration or more")
        for sample in self.samples:
            bounds.duration(sample, where="recorded(samples)")

    def sample(self, draw: Draw, purpose: str) -> float:
        if self.in_order:
            return self.samples[draw.nth % len(self.samples)]
        return self.samples[int(draw.uniform(purpose) * len(self.samples))]

    def __str__(self) -> str:
        return f"recorded({len(self.samples)} samples{', in order' if self.in_order else ''})"


def constant(seconds: float) -> Constant:
    """
    Always `seconds`.
    """
    return Constant(seconds)


def uniform(low: float, high: float) -> Uniform:
    """
    Anything from `low` to `high` seconds, equally likely.
    """
    return Uniform(low, high)


def normal(mean: float, deviation: float, *, low: float = 0.0, high: float = math.inf) -> Normal:
    """
    Normal around `mean` seconds, cut to [low, high].
    """
    return Normal(mean, deviation, low, high)


def lognormal(*, median: float, p99: float) -> LogNormal:
    """
    Half of the draws below `median` seconds, 99 of 100 below `p99`.
    """
    return LogNormal(median, p99)


def gamma(*, mean: float, shape: float) -> Gamma:
    """
    Gamma with that mean in seconds; its standard deviation is mean / sqrt(shape).
    """
    return Gamma(mean, shape)


def percentiles(points: Mapping[float, float]) -> Percentiles:
    """
    By measured percentiles, such as {50: 0.020, 90: 0.080, 99: 0.400}.
    """
    return Percentiles(tuple(sorted((float(percentile), seconds) for percentile, seconds in points.items())))


def recorded(samples: Iterable[float], *, in_order: bool = False) -> Recorded:
    """
    From durations that were measured, in seconds.
    """
    return Recorded(tuple(samples), in_order)


def as_distribution(given: float | Distribution) -> Distribution:
    """
    A bare number of seconds stands for a constant.
    """
    if isinstance(given, (int, float)):
        return constant(given)
    if not callable(getattr(given, "sample", None)):
        raise BoundsError(
            where="a delay", value=given, allowed="a number of seconds or a distribution, such as uniform(0.1, 0.3)"
        )
    return given


def _quantile(probability: float) -> float:
    # The inverse is infinite at 0 and 1; a uniform can be exactly 0, and a cut rounds to 1.
    return _STANDARD.inv_cdf(min(max(probability, 2.0**-54), 1 - 2.0**-53))


def _standard_gamma(shape: float, draw: Draw, purpose: str) -> float:
    d = shape - 1 / 3
    c = 1 / math.sqrt(9 * d)
    for step in range(_GAMMA_ROUNDS):
        x = _quantile(draw.uniform(purpose, 2 * step))
        v = (1 + c * x) ** 3
        u = 1 - draw.uniform(purpose, 2 * step + 1)  # in (0, 1], so that its logarithm exists
        if v > 0 and math.log(u) < x * x / 2 + d * (1 - v + math.log(v)):
            return d * v
    return d  # the mode of what was drawn from, in a case of probability below 1e-83
