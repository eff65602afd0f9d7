"""
The figures of one test.
"""

from __future__ import annotations

import pytest
from hermetic.record.history.intervals import highest_rate
from hermetic.record.history.runs import Run, Try
from hermetic.record.history.stability import ENOUGH, of_test

WEEK_S = 7 * 24 * 60 * 60.0


def figures(*outcomes, code="c1", codes=None, durations=None):
    seen = [
        (
            Run(id=str(number), at=float(number), code=codes[number] if codes else code),
            Try(test="t", outcome=outcome, duration_s=durations[number] if durations else number + 1.0),
        )
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


def test_the_quantiles_are_those_of_twenty_one_passes():
    """
    The second, the eleventh and the twentieth of 21, which have 5 %, 50 % and 95 % of the others below them.
    """
    assert figures(*["passed"] * 21).quantiles_s == pytest.approx((2.0, 11.0, 20.0))


def test_the_last_pass_is_compared_with_all_before_it():
    """
    Five alike are needed, and only the last counts as now.
    """
    assert figures(*["passed"] * 6, durations=[1.0, 1.0, 1.0, 1.0, 1.0, 3.0]).is_slower
    assert not figures(*["passed"] * 6, durations=[1.0, 3.0, 1.0, 1.0, 1.0, 1.0]).is_slower
    assert not figures(*["passed"] * 6, durations=[1.0, 1.0, 1.0, 1.0, 3.0, 1.0]).is_slower
    assert not figures(*["passed"] * 5, durations=[1.0, 1.0, 1.0, 1.0, 3.0]).is_slower


def test_a_failure_of_a_week_ago_counts_half():
    """
    Beside a pass of now: a half of one and a half.
    """
    seen = [
        (Run(id="1", at=0.0), Try(test="t", outcome="failed")),
        (Run(id="2", at=WEEK_S), Try(test="t", outcome="passed")),
    ]

    assert of_test("t", seen, now=WEEK_S).recent_rate == pytest.approx(1 / 3)


def test_a_change_is_dated_by_the_first_run_after_it():
    """
    Of the runs that count: a skipped one before them moves the time, not the place.
    """
    found = figures("skipped", *["passed"] * 30, *["failed", "passed"] * 10)

    assert found.change is not None
    assert (found.change.at, found.change_at) == (30, 31.0)


def test_passes_and_failures_are_judged_one_by_one():
    """
    A failure speaks for 5 % with log 50, a pass against it with log(.999 / .95), and either judgement takes log 19. So a
    test with one failure is flaky up to 19 passes, and stable from 137 on, which is 117 after the twentieth.
    """
    assert figures("failed", *["passed"] * 19).judgement == "flaky"
    found = figures("failed", *["passed"] * 20)

    assert (found.judgement, found.passes_left) == ("open", 117)
    assert figures("failed", *["passed"] * 136).judgement == "open"
    assert figures("failed", *["passed"] * 137).judgement == "stable"


@pytest.mark.parametrize(
    ("codes", "outcomes", "class_"),
    [
        ("a", "F", "unknown"),
        ("aa", "FF", "broken"),
        ("aab", "..F", "unknown"),
        ("aabb", "..FF", "broken"),
        ("aab", "FF.", "mended"),
        ("aba", "FF.", "flaky"),
        ("aa", "F.", "flaky"),
        ("a" * 58, "." * 58, "unknown"),
        ("a" * 59, "." * 59, "stable"),
    ],
)
def test_the_class_follows_the_newest_version(codes, outcomes, class_):
    """
    One failure of it is not enough to call it broken, and both outcomes on one version are flaky whichever is newest.
    """
    words = {".": "passed", "F": "failed"}

    assert figures(*(words[one] for one in outcomes), codes=codes).class_ == class_
