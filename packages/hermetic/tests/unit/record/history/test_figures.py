"""
Sequential test, comparisons, rates, clusters: check values and simulated truth.
"""

from __future__ import annotations

import random

import pytest
from hermetic.record.history.clusters import co_failures
from hermetic.record.history.comparing import change_point, fisher_one_sided, is_slower_than_usual
from hermetic.record.history.fingerprint import fingerprint
from hermetic.record.history.rates import (
    decayed_failure_rate,
    entropy,
    flip_rate,
    spurious_probability,
    suite_red_share,
)
from hermetic.record.history.sequential import SequentialTest
from hypothesis import given
from hypothesis import strategies as st


class TestSequential:
    __test__ = True

    def test_stable_after_59_passes_and_not_before(self):
        """
        For rates of .001 and .05 with errors of 5 %.
        """
        wald = SequentialTest()

        assert [wald.judge(failures=0, passes=n) for n in (0, 58, 59)] == ["open", "open", "stable"]
        assert wald.passes_left(failures=0, passes=0) == 59
        assert wald.passes_left(failures=0, passes=50) == 9
        assert wald.passes_left(failures=0, passes=59) == 0

    def test_it_errs_as_rarely_as_it_was_told(self):
        """
        Of 2,000 simulated tests of each rate, at most 5 % (and the spread of a sample) are judged wrongly.
        """
        wald, rng = SequentialTest(stable_rate=0.01, flaky_rate=0.1), random.Random(1)

        def run(rate):
            failures = passes = 0
            for _ in range(100_000):
                failed = rng.random() < rate
                failures, passes = failures + failed, passes + (not failed)
                judged = wald.judge(failures=failures, passes=passes)
                if judged != "open":
                    return judged
            raise AssertionError

        assert sum(run(0.01) == "flaky" for _ in range(2000)) / 2000 <= 0.065
        assert sum(run(0.1) == "stable" for _ in range(2000)) / 2000 <= 0.065

    def test_a_bound_that_is_just_met_decides(self):
        """
        Wald's conditions hold the bounds themselves. One failure is three times as likely at 3/4 as at 1/4, and one pass
        a third as likely; with errors of a quarter the bounds are 3 and 1/3, all without rounding.
        """
        wald = SequentialTest(stable_rate=0.25, flaky_rate=0.75, wrongly_flaky=0.25, wrongly_stable=0.25)

        assert wald.judge(failures=1, passes=0) == "flaky"
        assert wald.judge(failures=0, passes=1) == "stable"
        assert wald.judge(failures=1, passes=1) == "open"
        assert (wald.passes_left(failures=0, passes=0), wald.passes_left(failures=2, passes=2)) == (1, 1)

    def test_each_error_has_its_own_bound(self):
        """
        With errors of 1/8 and 1/4 the bounds are (1 - 1/4) / (1/8) = 6 and (1/4) / (1 - 1/8) = 2/7, so that after one
        more failure (3) all is open, after two (9) it is flaky, and after a pass (1/3) it is open too, but not after two.
        """
        wald = SequentialTest(stable_rate=0.25, flaky_rate=0.75, wrongly_flaky=0.125, wrongly_stable=0.25)

        assert [wald.judge(failures=n, passes=0) for n in (1, 2)] == ["open", "flaky"]
        assert [wald.judge(failures=0, passes=n) for n in (1, 2)] == ["open", "stable"]
        assert wald.passes_left(failures=1, passes=0) == 3
        assert wald.passes_left(failures=2, passes=0) == 0

    @pytest.mark.parametrize("rates", [(0.0, 0.1), (0.2, 0.1), (0.1, 1.0), (0.1, 0.1)])
    def test_rates_in_the_wrong_order_are_refused(self, rates):
        """
        They must be two, in order, between 0 and 1.
        """
        with pytest.raises(ValueError, match="must lie below"):
            SequentialTest(stable_rate=rates[0], flaky_rate=rates[1])


class TestComparing:
    __test__ = True

    def test_fishers_check_value_and_his_tea(self):
        """
        6 of 20 against none of 20; and the lady who tasted all four cups, 1 in 70 (The Design of Experiments, 1935).
        """
        assert fisher_one_sided(failures=6, runs=20, other_failures=0, other_runs=20) == pytest.approx(0.0101, abs=5e-5)
        assert fisher_one_sided(failures=4, runs=4, other_failures=0, other_runs=4) == pytest.approx(1 / 70)

    @given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
    def test_it_is_a_probability(self, a, more, b, more_b):
        """
        And 1 where there is nothing to see.
        """
        p = fisher_one_sided(failures=a, runs=a + more, other_failures=b, other_runs=b + more_b)

        assert 0.0 <= p <= 1.0
        assert a or p == pytest.approx(1.0)

    def test_a_change_is_found_where_it_was(self):
        """
        Thirty passes, then every second try fails.
        """
        found = change_point([True] * 30 + [False, True] * 10)

        assert found is not None
        assert found.at == 30
        assert (found.rate_before, found.rate_after) == (0.0, 0.5)

    def test_a_steady_rate_is_no_change(self):
        """
        At most one simulated history in twenty of a constant rate is called changed: factor 20 and its meaning.
        """
        rng = random.Random(2)
        called = sum(change_point([rng.random() > 0.2 for _ in range(60)]) is not None for _ in range(300))

        assert called <= 15
        assert change_point([]) is change_point([False]) is None

    @pytest.mark.parametrize(
        ("now", "slower"),
        [(1.0, False), (1.1, False), (1.3, True), (0.5, False)],
        ids=["same", "a bit", "more", "less"],
    )
    def test_slower_needs_spread_share_and_milliseconds(self, now, slower):
        """
        Five robust deviations, a fifth, and 50 ms.
        """
        assert is_slower_than_usual(now, [0.99, 1.0, 1.0, 1.01, 1.02, 0.98]) is slower
        assert not is_slower_than_usual(now / 100, [0.0099, 0.01, 0.01, 0.0101, 0.01])
        assert not is_slower_than_usual(99.0, [1.0] * 4)


class TestRates:
    __test__ = True

    def test_flips_and_entropy(self):
        """
        Their ends and one value between.
        """
        assert flip_rate([True, False, True]) == 1.0
        assert flip_rate([True, True, False, False]) == pytest.approx(1 / 3)
        assert flip_rate([True]) == 0.0
        assert (flip_rate([True, False]), flip_rate([True, True])) == (1.0, 0.0)
        assert entropy([True, False]) == 1.0
        assert entropy([True] * 5) == entropy([]) == 0.0
        assert entropy([True, True, True, False]) == pytest.approx(0.8113, abs=5e-5)

    def test_old_outcomes_count_less(self):
        """
        Half after each half-life; a clock that went back changes nothing.
        """
        assert decayed_failure_rate([(0.0, False), (100.0, True)], now=100.0, half_life_s=100.0) == pytest.approx(1 / 3)
        assert decayed_failure_rate([(999.0, False)], now=0.0, half_life_s=1.0) == 1.0
        assert decayed_failure_rate([], now=0.0, half_life_s=1.0) == 0.0
        with pytest.raises(ValueError, match="half_life_s = 0"):
            decayed_failure_rate([], now=0.0, half_life_s=0)

    def test_many_small_rates_make_a_red_suite(self):
        """
        A hundred tests at 1 % fail 63 % of the runs.
        """
        assert suite_red_share([0.01] * 100) == pytest.approx(0.634, abs=5e-4)
        assert suite_red_share([]) == 0.0
        assert (suite_red_share([0.0]), suite_red_share([0.5, 1.0])) == (0.0, 1.0)
        for rate in (1.5, -0.5):
            with pytest.raises(ValueError, match=rf"rate = {rate}"):
                suite_red_share([rate])

    def test_failures_on_code_that_also_passes_are_spurious(self):
        """
        And failures of versions that never pass are not; more of the same makes it surer.
        """
        flaky = [("a", n % 5 != 0) for n in range(100)]
        broken = [("a", True)] * 80 + [("b", False)] * 5 + [("c", True)] * 15

        assert spurious_probability(flaky + [("b", n % 5 != 0) for n in range(100)]) > 0.75
        assert spurious_probability(broken) < 0.1
        for rate in (0, 1.0, 1.5):
            with pytest.raises(ValueError, match=f"prior_failure_rate = {rate}"):
                spurious_probability([], prior_failure_rate=rate)

    def test_nothing_seen_leaves_the_priors(self):
        """
        Both rates are a twentieth then, so that it is (1/20 * 19/20) / (1/20 * 19/20 + 1/20) = 19/39; with a tenth as the
        prior rate of failures (1/10 * 19/20) / (1/10 * 19/20 + 1/20) = 19/29.
        """
        assert spurious_probability([]) == pytest.approx(19 / 39)
        assert spurious_probability([], prior_failure_rate=0.1) == pytest.approx(19 / 29)

    def test_a_version_that_never_passed_counts_as_far_as_it_cannot_be_chance(self):
        """
        Computed by hand in fractions. One failure in four tries of the version that passes: f = (1 + 1/10) / (4 + 2) =
        11/60. Three failures by chance: f^3, so the other version is broken with 1 - f^3 / (f^3 + 1/20) = 10800/12131, and
        b = (10800/12131 + 1/2) / (2 + 10) = 33731/291144.
        """
        seen = [("a", True), ("b", False), ("a", True), ("b", False), ("a", False), ("b", False), ("a", True)]

        assert spurious_probability(seen) == pytest.approx(2831543 / 4855403, rel=1e-12)

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40))
    def test_spuriousness_is_a_probability(self, seen):
        """
        Whatever was seen.
        """
        assert 0.0 < spurious_probability(seen) < 1.0


def test_tests_that_fail_in_the_same_runs_are_one_group():
    """
    Jaccard distance, average linkage, cut at a half; those that share little stay apart, those alone are left out.
    """
    failed_in = {"a": {1, 2, 3}, "b": {1, 2, 3}, "c": {2, 3}, "d": {9}, "e": {8, 9}, "f": {7}, "g": set()}

    assert co_failures(failed_in) == [["a", "b", "c"], ["d", "e"]]


def test_tests_that_share_one_run_of_three_are_joined_from_that_distance_on():
    """
    Two failures each, one of them in the same run: 1 - 1/3. The cut itself is near enough.
    """
    failed_in = {"a": {1, 2}, "b": {2, 3}}

    assert co_failures(failed_in) == []
    assert co_failures(failed_in, cut=0.66) == []
    assert co_failures(failed_in, cut=1.0 - 1 / 3) == [["a", "b"]]


def test_of_pairs_that_are_equally_near_the_first_by_name_is_joined():
    """
    Half of the runs of b are those of a, half those of c; a and c have none in common, so only one of them is joined.
    """
    assert co_failures({"c": {3}, "b": {1, 3}, "a": {1}}) == [["a", "b"]]


def test_a_fingerprint_forgets_what_varies_and_nothing_else():
    """
    Numbers, addresses, ids and temporary paths; not the type, the place or the words.
    """
    one = fingerprint(kind="ValueError", place="test_a.py", message="no 3 at 0x7f0a in /tmp/x/1\nmore")
    same = fingerprint(kind="ValueError", place="test_a.py", message="no 17 at 0xdead in /tmp/y/2")

    assert one == same
    assert one != fingerprint(kind="KeyError", place="test_a.py", message="no 3 at 0x7f0a in /tmp/x/1")
    assert one != fingerprint(kind="ValueError", place="test_b.py", message="no 3 at 0x7f0a in /tmp/x/1")
    assert one != fingerprint(kind="ValueError", place="test_a.py", message="yes 3 at 0x7f0a in /tmp/x/1")
    assert len(fingerprint(kind="", place="", message="\ud800" * 5)) == 12


@pytest.mark.parametrize("name", ["wrongly_flaky", "wrongly_stable"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.7])
def test_a_share_of_wrong_judgements_is_below_half_and_not_nothing(name, share):
    """
    The refusal names which of the two it is.
    """
    with pytest.raises(ValueError, match=name):
        SequentialTest(**{name: share})
