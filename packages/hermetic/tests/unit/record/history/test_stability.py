"""
The figures of one test.
"""

from __future__ import annotations

import pytest
from hermetic.record.history.intervals import highest_rate
from hermetic.record.history.runs import Run, Try
from hermetic.record.history.stability import ENOUGH, of_test


def figures(*outcomes, code="c1"):
    seen = [
        (Run(id=str(number), at=float(number), code=code), Try(test="t", outcome=outcome, duration_s=number + 1.0))
        for number, outcome in enumerate(outcomes)
    ]
    return of_test("t", seen, now=float(len(seen)))


def test_a_test_that_never_ran_has_no_rate_and_no_durations():
    """
    Rather than a rate of 0, which would say that it is good.
    """
    found = figures()

    assert (found.rate, found.rate_text, found.quantiles_s, found.duration_s) == (None, "never ran", None, 0.0)
    assert (found.is_slower, found.change, found.change_at) == (False, None, 0.0)


@pytest.mark.parametrize(("tries", "says"), [(1, "no failure in 1 try,"), (2, "no failure in 2 tries,")])
def test_few_passes_leave_a_rate_possible(tries, says):
    """
    The text says how many there were, and how high a rate they leave open.
    """
    found = figures(*["passed"] * tries)

    assert (found.rate, found.tries, found.failures) == (0.0, tries, 0)
    assert found.rate_text.startswith(says)
    assert found.rate_text.endswith(f"{100 * found.highest_rate:.3g} % possible")


def test_enough_passes_or_a_failure_tell_a_rate_with_its_interval():
    """
    From so many passes on that they leave less than 5 % possible, and from the first failure on.
    """
    assert highest_rate(ENOUGH) < 0.05 < highest_rate(ENOUGH - 1)
    assert figures(*["passed"] * (ENOUGH - 1)).rate_text.startswith("no failure")
    assert figures(*["passed"] * ENOUGH).rate_text.startswith(
        f"fails 0 % of the time (0 of {ENOUGH}; 95 % interval 0 % to "
    )
    found = figures("failed", "passed", "passed", "passed")

    assert found.rate == 0.25
    low, high = f"{100 * found.jeffreys.low:.3g} %", f"{100 * found.jeffreys.high:.3g} %"
    assert found.rate_text == f"fails 25 % of the time (1 of 4; 95 % interval {low} to {high})"


def test_durations_are_of_the_tries_that_passed():
    """
    The median and the middle quantile agree, and the ends are around them.
    """
    found = figures("passed", "failed", "passed", "passed")

    assert found.duration_s == 3.0
    assert found.quantiles_s is not None
    low, middle, high = found.quantiles_s
    assert 1.0 <= low < middle == 3.0 < high <= 4.0


def test_the_strip_shows_the_last_twenty_tries():
    """
    Oldest first.
    """
    assert figures("failed", "failed", *["passed"] * 18, "failed").strip == "F" + "." * 18 + "F"
