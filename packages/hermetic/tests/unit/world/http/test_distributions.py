"""
Durations follow the distributions they name: fixed seeds, exact thresholds.
"""

from __future__ import annotations

import math
from statistics import NormalDist, fmean, median

import pytest
from hermetic.foundation import NullSink, SystemClock
from hermetic.world.http import distributions as d
from hermetic.world.http.bounds import BoundsError
from hermetic.world.http.draws import SeededDraws
from hermetic.world.http.latency import latency

N = 20_000
PHI = NormalDist().cdf


def drawn(distribution, *, n: int = N, seed: int = 11) -> list[float]:
    source = SeededDraws(seed, server="api", clock=SystemClock(), sink=NullSink())
    return [source.next_of("@a", route="r").seconds("latency", distribution) for _ in range(n)]


def kolmogorov_smirnov(sample, cdf) -> float:
    """
    The largest distance between the sample's distribution function and `cdf`, times sqrt(n).
    """
    ordered = sorted(sample)
    n = len(ordered)
    return math.sqrt(n) * max(max((i + 1) / n - cdf(value), cdf(value) - i / n) for i, value in enumerate(ordered))


def gamma_cdf(shape: float, x: float) -> float:
    """
    The regularised lower incomplete gamma function by its power series, independent of how draws are made.
    Source: DLMF 8.11.4.
    """
    if x <= 0:
        return 0.0
    term = total = 1 / shape
    for k in range(1, 10_000):
        term *= x / (shape + k)
        total += term
        if term < total * 1e-15:
            break
    return min(1.0, total * math.exp(-x + shape * math.log(x) - math.lgamma(shape)))


def cut_normal_cdf(x: float) -> float:
    low, high = PHI((0.0 - 0.1) / 0.1), PHI((0.25 - 0.1) / 0.1)
    return (PHI((x - 0.1) / 0.1) - low) / (high - low)


def lognormal_cdf(x: float) -> float:
    sigma = math.log(0.2 / 0.02) / NormalDist().inv_cdf(0.99)
    return PHI(math.log(x / 0.02) / sigma)


def percentile_cdf(x: float) -> float:
    # {50: 0.02, 90: 0.08, 100: 0.4} with the line from (0, 0)
    if x <= 0.02:
        return 0.5 * x / 0.02
    if x <= 0.08:
        return 0.5 + 0.4 * (x - 0.02) / 0.06
    return 0.9 + 0.1 * (x - 0.08) / 0.32


@pytest.mark.parametrize(
    "distribution, cdf",
    [
        pytest.param(d.uniform(0.1, 0.3), lambda x: (x - 0.1) / 0.2, id="uniform"),
        pytest.param(d.normal(0.1, 0.1, high=0.25), cut_normal_cdf, id="normal"),
        pytest.param(d.lognormal(median=0.02, p99=0.2), lognormal_cdf, id="lognormal"),
        pytest.param(d.gamma(mean=0.1, shape=2.5), lambda x: gamma_cdf(2.5, x * 2.5 / 0.1), id="gamma"),
        pytest.param(d.gamma(mean=0.1, shape=1), lambda x: 1 - math.exp(-x / 0.1), id="exponential"),
        pytest.param(d.gamma(mean=0.1, shape=0.5), lambda x: gamma_cdf(0.5, x * 0.5 / 0.1), id="gamma-below-one"),
        pytest.param(d.percentiles({50: 0.02, 90: 0.08, 100: 0.4}), percentile_cdf, id="percentiles"),
    ],
)
def test_draws_pass_a_kolmogorov_smirnov_test(distribution, cdf):
    """
    The distance stays below 1.628 / sqrt(n), the one-percent point (Smirnov 1948), for a fixed seed.
    """
    assert kolmogorov_smirnov(drawn(distribution), cdf) < 1.628


def test_the_kolmogorov_smirnov_test_sees_a_shift_of_three_percent():
    """
    The test above can fail: draws of a median 3 % off are told apart at this sample size.
    """
    assert kolmogorov_smirnov(drawn(d.lognormal(median=0.0206, p99=0.206)), lognormal_cdf) > 1.628


def test_lognormal_hits_its_median_and_its_99th_percentile():
    """
    The two numbers it is told by are the two it gives, within four standard errors of those quantiles.
    """
    sample = sorted(drawn(d.lognormal(median=0.02, p99=0.2), n=50_000))

    assert math.isclose(0.02, median(sample), rel_tol=0.03)
    assert math.isclose(0.2, sample[49_500], rel_tol=0.066)


@pytest.mark.parametrize("shape", [0.3, 1.0, 4.0])
def test_gamma_hits_its_mean(shape):
    """
    Whatever its shape, within four standard errors.
    """
    assert abs(fmean(drawn(d.gamma(mean=0.1, shape=shape))) - 0.1) < 4 * 0.1 / math.sqrt(shape * N)


def test_a_normal_is_cut_and_not_piled_up_at_its_edge():
    """
    A truncated normal draws inside the cut; clamping would give 0 to one request in six here.
    """
    sample = drawn(d.normal(0.1, 0.1))

    assert sum(value == 0 for value in sample) == 0
    assert min(sample) >= 0


def test_the_slow_request_is_the_slow_one_whatever_the_distribution():
    """
    Draws by inverse functions move together: the same request has the same percentile in each.
    """
    ranks = [
        sorted(range(200), key=drawn(one, n=200).__getitem__)
        for one in (d.uniform(0, 1), d.normal(1, 0.2), d.lognormal(median=1, p99=4), d.percentiles({99: 1, 100: 3}))
    ]

    assert all(rank == ranks[0] for rank in ranks)


def test_a_recording_is_drawn_from_or_played_in_order():
    """
    At random only recorded values come; in order the nth request takes the nth, and it begins again.
    """
    assert {0.1, 0.2, 0.4} == set(drawn(d.recorded([0.1, 0.2, 0.4]), n=200))
    assert drawn(d.recorded([0.1, 0.2, 0.4], in_order=True), n=4) == [0.1, 0.2, 0.4, 0.1]


def test_percentiles_stay_at_their_last_point():
    """
    A dashboard that ends at p50 says nothing of the rest.
    """
    assert max(drawn(d.percentiles({50: 0.02}), n=500)) == 0.02


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: d.constant(-1), r"constant\(seconds\) got -1"),
        (lambda: d.constant(math.nan), r"constant\(seconds\) got nan"),
        (lambda: d.uniform(2, 1), r"uniform\(high\) got 1. Give at least low, which is 2"),
        (lambda: d.normal(0.1, 0), r"normal\(deviation\) got 0"),
        (lambda: d.normal(0.1, 0.1, low=2, high=1), r"normal\(high\) got 1"),
        (lambda: d.normal(-50, 1), r"within 8 deviations"),
        (lambda: d.lognormal(median=0, p99=1), r"lognormal\(median\) got 0"),
        (lambda: d.lognormal(median=2, p99=1), r"lognormal\(p99\) got 1. Give at least the median, which is 2"),
        (lambda: d.gamma(mean=1, shape=0), r"gamma\(shape\) got 0"),
        (lambda: d.percentiles({}), r"one point or more"),
        (lambda: d.percentiles({101: 1}), r"percentiles from 0 to 100"),
        (lambda: d.percentiles({50: 2, 90: 1}), r"percentiles\(p90\) got 1. Give at least the value of p50, 2"),
        (lambda: d.recorded([]), r"one duration or more"),
        (lambda: d.recorded([0.1, -1]), r"recorded\(samples\) got -1"),
        (lambda: latency(body=-3), r"constant\(seconds\) got -3"),
    ],
)
def test_bad_parameters_are_refused_where_they_enter(make, text):
    """
    By name, with the value and what would be right.
    """
    with pytest.raises(BoundsError, match=text):
        make()


def test_distributions_say_themselves_as_they_are_written():
    """
    The ledger shows what was asked in the words of the call.
    """
    assert [
        str(one)
        for one in (
            d.constant(0.5),
            d.uniform(0, 1),
            d.normal(1, 0.1),
            d.normal(1, 0.1, high=2),
            d.lognormal(median=0.02, p99=0.2),
            d.gamma(mean=0.1, shape=2),
            d.percentiles({99: 0.4, 50: 0.02}),
            d.recorded([1, 2], in_order=True),
        )
    ] == [
        "constant(0.5)",
        "uniform(0, 1)",
        "normal(1, 0.1, low=0)",
        "normal(1, 0.1, low=0, high=2)",
        "lognormal(median=0.02, p99=0.2)",
        "gamma(mean=0.1, shape=2)",
        "percentiles(p50=0.02, p99=0.4)",
        "recorded(2 samples, in order)",
    ]


def test_latency_draws_its_parts_apart():
    """
    Connect, first byte and body are drawn independently; a part that is not given takes no time.
    """
    plan = latency(d.uniform(0, 1), body=d.uniform(0, 1))
    lot = SeededDraws(1, server="api", clock=SystemClock(), sink=NullSink()).next_of("@a", route="r")
    first, body = plan.plan(lot, "first_byte"), plan.plan(lot, "body")

    assert first != body
    assert plan.plan(lot, "connect") == 0.0
    assert plan.plan(lot, "connect", extra_s=0.25) == 0.25
    assert str(plan) == "latency(first_byte=uniform(0, 1), body=uniform(0, 1))"
