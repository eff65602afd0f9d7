"""
The straight line and its interval.
"""

from __future__ import annotations

import random

import pytest
from hermetic.guard.limits.fit import Estimate, slope, student


def test_an_exact_line_has_its_slope_and_no_margin():
    """
    The line is three times x, and seven.
    """
    found = slope(range(10), [3 * x + 7 for x in range(10)])

    assert found.value == pytest.approx(3)
    assert found.margin == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("confidence", "degrees", "expected"), [(0.95, 10, 2.228), (0.99, 28, 2.763), (0.99, 5, 4.032), (0.9, 60, 1.671)]
)
def test_quantiles_of_students_t_are_those_of_the_tables(confidence, degrees, expected):
    """
    To about a hundredth from five degrees of freedom on.
    """
    assert student(confidence, degrees) == pytest.approx(expected, abs=0.015)


def test_the_interval_holds_the_true_slope_as_often_as_it_says():
    """
    1,000 lines with independent noise at 95 %: within what chance allows, and not far wider than needed.
    """
    draw = random.Random(1)
    held = 0
    for _ in range(1000):
        ys = [2.0 * x + draw.gauss(0, 5) for x in range(30)]
        found = slope(range(30), ys, confidence=0.95)
        held += found.low <= 2.0 <= found.high

    assert 930 <= held <= 995


def test_neighbours_that_are_alike_widen_the_interval():
    """
    A random walk looks like a slope: its interval must not exclude none as often as a naive one would.
    """
    draw = random.Random(2)
    accused = naive = 0
    for _ in range(300):
        y, ys = 0.0, []
        for _ in range(30):
            y += draw.gauss(0, 1)
            ys.append(y)
        found = slope(range(30), ys, confidence=0.95)
        accused += not found.low <= 0 <= found.high
        mean = sum(ys) / 30
        residual = sum((one - mean - found.value * (x - 14.5)) ** 2 for x, one in enumerate(ys))
        error = (residual / 28 / 2247.5) ** 0.5
        naive += abs(found.value) > 2.048 * error

    assert accused < naive / 2


def test_too_few_points_are_refused():
    """
    And so are points at one place.
    """
    with pytest.raises(ValueError, match="at least 5"):
        slope([1, 2, 3], [1, 2, 3])
    with pytest.raises(ValueError, match="all points have one x"):
        slope([1] * 6, [1, 2, 3, 4, 5, 6])


def test_an_estimate_reads_as_people_write_it():
    """
    No more digits than it is worth.
    """
    assert str(Estimate(value=412.3, margin=9.2, confidence=0.99)) == "412 ± 9"
    assert str(Estimate(value=1.0, margin=0.0, confidence=0.99)) == "1 ± 0"
    assert str(Estimate(value=0.25, margin=0.11, confidence=0.99)) == "0.2 ± 0.1"
