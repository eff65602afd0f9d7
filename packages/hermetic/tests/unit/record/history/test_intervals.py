"""
Intervals and run counts: published values, exact coverage, and what no input may do.
"""

from __future__ import annotations

import math

import pytest
from hermetic.record.history.beta import beta_cdf, beta_quantile
from hermetic.record.history.intervals import Interval, clopper_pearson, highest_rate, jeffreys, runs_to_see, wilson
from hypothesis import given
from hypothesis import strategies as st

METHODS = {"wilson": wilson, "jeffreys": jeffreys, "clopper_pearson": clopper_pearson}
COUNTS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def coverage(method, n, points):
    """
    For each rate p the exact probability that the interval of k of n covers it, summed over the binomial distribution.
    """
    intervals = [(k, math.comb(n, k), method(k, n)) for k in range(n + 1)]
    return [sum(ways * p**k * (1 - p) ** (n - k) for k, ways, one in intervals if p in one) for p in points]


# Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I.
NEWCOMBE = [
    ("wilson", 81, 263, 0.2553, 0.3662),
    ("wilson", 15, 148, 0.0624, 0.1605),
    ("wilson", 0, 20, 0.0, 0.1611),
    ("wilson", 1, 29, 0.0061, 0.1718),
    ("clopper_pearson", 81, 263, 0.2527, 0.3676),
    ("clopper_pearson", 15, 148, 0.0578, 0.1617),
    ("clopper_pearson", 0, 20, 0.0, 0.1684),
    ("clopper_pearson", 1, 29, 0.0009, 0.1776),
    ("jeffreys", 1, 20, 0.0054, 0.2108),
]


@pytest.mark.parametrize(("method", "k", "n", "low", "high"), NEWCOMBE)
def test_published_examples_come_out(method, k, n, low, high):
    """
    To all four places that were printed.
    """
    interval = METHODS[method](k, n)

    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_another_confidence_has_its_own_width():
    """
    At 1 of 2 Wilson's formula is z / sqrt(2 + z^2) wide, and tables of the normal distribution give z = 2.5758293 for 99 %
    and 1.2815516 for 80 %.
    """
    at_99, at_80 = wilson(1, 2, confidence=0.99), wilson(1, 2, confidence=0.8)

    assert at_99.width == pytest.approx(2.5758293 / math.sqrt(2 + 2.5758293**2), abs=1e-7)
    assert at_80.width == pytest.approx(1.2815516 / math.sqrt(2 + 1.2815516**2), abs=1e-7)


def test_one_pass_leaves_what_jeffreys_prior_leaves():
    """
    Beta(1/2, 3/2) has the closed form 2 / pi (asin sqrt x + sqrt(x (1 - x))), which is .975 at .85325368.
    """
    high = jeffreys(0, 1).high

    assert high == pytest.approx(0.85325368, abs=1e-8)
    assert 2 / math.pi * (math.asin(math.sqrt(high)) + math.sqrt(high * (1 - high))) == pytest.approx(0.975, abs=1e-10)
    assert jeffreys(1, 1) == Interval(pytest.approx(1 - high, abs=1e-12), 1.0)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_nothing_seen_leaves_every_rate_possible(method):
    """
    From 0 to 1.
    """
    assert METHODS[method](0, 0) == Interval(0.0, 1.0)


def test_an_interval_is_cut_to_0_and_1():
    """
    At both ends, where rounding may lead beyond them.
    """
    assert Interval.bounded(-0.5, 1.5) == Interval(0.0, 1.0)
    assert Interval.bounded(0.25, 0.5) == Interval(0.25, 0.5)


def test_wilson_covers_as_little_near_the_ends_as_was_published():
    """
    Just below the lower bound of one failure only k = 0 covers: exp(-0.1765) = .838 for large n (Agresti and Coull, The
    American Statistician 52, 1998).
    """
    n = 5000
    just_below = wilson(1, n).low * (1 - 1e-9)

    assert coverage(wilson, 50, [wilson(1, 50).low * (1 - 1e-9)])[0] == pytest.approx(0.838, abs=0.003)
    assert (1 - just_below) ** n == pytest.approx(0.838, abs=0.001)


@pytest.mark.parametrize("n", [20, 35, 60, 100])
@pytest.mark.parametrize("method", ["wilson", "jeffreys"])
def test_mean_coverage_is_near_what_was_asked(method, n):
    """
    Over rates spread evenly, within 94 and 96 %.
    """
    points = [(i + 0.5) / 200 for i in range(200)]

    assert 0.94 <= sum(coverage(METHODS[method], n, points)) / len(points) <= 0.96


@pytest.mark.parametrize("n", [5, 20, 60])
def test_the_exact_interval_never_covers_less(n):
    """
    Clopper and Pearson's stays at 95 % or above for every rate.
    """
    assert min(coverage(clopper_pearson, n, [i / 500 for i in range(1, 500)])) >= 0.95


@given(COUNTS, st.sampled_from(sorted(METHODS)), st.floats(0.5, 0.999))
def test_every_interval_holds_what_was_seen_and_is_symmetric(counted, method, confidence):
    """
    Within 0 and 1, around k / n, and the mirror image for n - k.
    """
    k, n = counted
    interval = METHODS[method](k, n, confidence=confidence)
    mirrored = METHODS[method](n - k, n, confidence=confidence)

    assert 0.0 <= interval.low <= interval.high <= 1.0
    assert n == 0 or interval.low - 1e-9 <= k / n <= interval.high + 1e-9
    assert interval.low == pytest.approx(1.0 - mirrored.high, abs=1e-9)


@given(st.floats(0.5, 500), st.floats(0.5, 500), st.floats(0.001, 0.999))
def test_the_quantile_undoes_the_distribution(a, b, share):
    """
    For all the shapes that counts can give.
    """
    assert beta_cdf(beta_quantile(share, a, b), a, b) == pytest.approx(share, abs=1e-7)


@given(st.integers(1, 30), st.integers(1, 30), st.floats(0.01, 0.99))
def test_the_beta_distribution_is_the_binomial_tail(a, b, x):
    """
    I_x(a, b) is the probability of a or more in a + b - 1 (DLMF 8.17.5).
    """
    n = a + b - 1
    tail = sum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))

    assert beta_cdf(x, a, b) == pytest.approx(tail, abs=1e-9)


def test_no_failure_leaves_a_rate_possible():
    """
    Zero in 59 leaves up to 4.95 %, and nothing at all leaves everything.
    """
    assert highest_rate(59) == pytest.approx(0.0495, abs=5e-5)
    assert highest_rate(0) == 1.0


@pytest.mark.parametrize(("rate", "confidence"), [(0.5, 0.75), (0.1, 0.19), (0.2, 0.36)])
def test_so_many_runs_as_are_just_enough_are_enough(rate, confidence):
    """
    Two runs all pass with (1 - rate)^2, which is exactly what is left of these confidences.
    """
    assert runs_to_see(rate, confidence=confidence) == 2
    assert runs_to_see(rate, confidence=confidence + 0.001) == 3


@pytest.mark.parametrize(("rate", "runs"), [(0.05, 59), (0.0175, 170), (0.01, 299), (0.5, 5)])
def test_runs_needed_to_see_a_rate(rate, runs):
    """
    The published figures; 170 is the mean in Gruber et al., ICST 2021.
    """
    assert runs_to_see(rate) == runs


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: wilson(3, 2), "3 of 2 is no count"),
        (lambda: jeffreys(-1, 2), "-1 of 2 is no count"),
        (lambda: clopper_pearson(1, 2, confidence=1.0), "confidence = 1.0 must lie between 0 and 1"),
        (lambda: wilson(1, 2, confidence=float("nan")), "confidence = nan"),
        (lambda: runs_to_see(0.0), "rate = 0.0 must lie between 0 and 1"),
        (lambda: runs_to_see(1.0), "rate = 1.0 must lie between 0 and 1"),
        (lambda: runs_to_see(1.5), "rate = 1.5 must lie between 0 and 1"),
        (lambda: beta_cdf(0.5, 0, 1), "a = 0 and b = 1 must both be above 0"),
        (lambda: beta_quantile(1.5, 1, 1), "share = 1.5 must be from 0 to 1"),
    ],
)
def test_what_is_no_count_is_refused(call, says):
    """
    With the value and the range.
    """
    with pytest.raises(ValueError, match=says.replace("(", r"\(")):
        call()


@pytest.mark.parametrize(("x", "share"), [(-0.5, 0.0), (0.0, 0.0), (1.0, 1.0), (1.5, 1.0)])
def test_nothing_lies_outside_of_0_and_1(x, share):
    """
    Of a distribution that is not symmetric either.
    """
    assert beta_cdf(x, 2.0, 5.0) == share


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 2.0), (2.0, -1.0)])
def test_a_distribution_needs_both_parameters_above_0(a, b):
    """
    The refusal shows both.
    """
    with pytest.raises(ValueError, match=rf"a = {a} and b = {b}"):
        beta_cdf(0.5, a, b)


def test_the_quantiles_of_nothing_and_of_everything_are_the_ends():
    """
    They are taken, and only what is beyond them is refused.
    """
    assert beta_quantile(0.0, 2.0, 5.0) == pytest.approx(0.0, abs=1e-12)
    assert beta_quantile(1.0, 2.0, 5.0) == pytest.approx(1.0, abs=1e-3)


def test_nothing_lies_below_the_quantile_of_nothing():
    """
    Also where the distribution is so thin that its share up to .1 is no number above 0 any more.
    """
    assert beta_cdf(0.1, 1000.0, 1000.0) == 0.0
    assert beta_quantile(0.0, 1000.0, 1000.0) == pytest.approx(0.0, abs=1e-12)


def test_an_interval_holds_both_its_ends():
    """
    And is as wide as they are apart.
    """
    interval = Interval(0.25, 0.75)

    assert 0.25 in interval
    assert 0.75 in interval
    assert 0.8 not in interval
    assert interval.width == 0.5


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_no_confidence_and_certainty_are_refused(confidence):
    """
    By whatever takes a confidence.
    """
    for call in (lambda: highest_rate(3, confidence=confidence), lambda: runs_to_see(0.1, confidence=confidence)):
        with pytest.raises(ValueError, match="confidence"):
            call()
