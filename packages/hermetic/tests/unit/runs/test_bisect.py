"""
The search for the tests that decide how another ends.
"""

from __future__ import annotations

import math

import pytest
from hermetic.runs.bisect import Search
from hypothesis import given
from hypothesis import strategies as st

BEFORE = [f"t{n}" for n in range(400)]


@given(st.sets(st.integers(0, 399), min_size=1, max_size=3), st.booleans())
def test_exactly_the_tests_that_are_needed_are_found_in_their_order(places, is_victim):
    """
    Polluters of a victim, or setters of a brittle test; one, two or three that are needed together.
    """
    needed = {BEFORE[n] for n in places}
    found = Search(lambda tests: needed.issubset(tests) == is_victim).find(BEFORE)

    assert found.case == ("victim" if is_victim else "brittle")
    assert list(found.tests) == [BEFORE[n] for n in sorted(places)]


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_one_polluter_costs_few_probes_that_run_few_tests(case):
    """
    At most 2 log2 n + 4, whatever its place, and no more tests in all than two runs of them and a half would, with one
    test a probe to spare where halves are uneven.
    """
    size, place = case
    before = [f"t{n}" for n in range(size)]
    ran = []

    def fails(tests):
        ran.append(len(tests))
        return before[place] in tests

    found = Search(fails, times=0).find(before)

    assert found.tests == (before[place],)
    assert found.probes == len(ran) <= 2 * math.log2(size) + 4
    assert sum(ran) <= 3 * size + found.probes


@given(
    st.integers(2, 2000).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=2, max_size=2))
    )
)
def test_two_that_are_needed_together_cost_few_probes(case):
    """
    At most 3 log2 n + 6, wherever they stand.
    """
    size, places = case
    before = [f"t{n}" for n in range(size)]
    needed = {before[place] for place in places}
    found = Search(needed.issubset).find(before)

    assert set(found.tests) == needed
    assert found.probes <= 3 * math.log2(size) + 6


@given(st.lists(st.sampled_from(["spoils", "heals", "plain"]), min_size=1, max_size=60))
def test_tests_that_heal_what_others_spoil_do_not_mislead_the_search(kinds):
    """
    What is found fails indeed, and no longer does when any of it is left out.
    """
    before = list(enumerate(kinds))

    def fails(tests):
        telling = [kind for _, kind in tests if kind != "plain"]
        return bool(telling) and telling[-1] == "spoils"

    found = Search(fails).find(before)

    assert found.case == ("victim" if fails(before) else "never")
    assert [kind for _, kind in found.tests] == ["spoils"] * fails(before)


@pytest.mark.parametrize(("fails", "case"), [(True, "always"), (False, "never")])
def test_where_the_order_does_not_decide_two_probes_say_so(fails, case):
    """
    Nothing is searched for.
    """
    found = Search(lambda _: fails).find(BEFORE)

    assert (found.case, found.tests, found.probes) == (case, (), 2)


def test_a_result_that_does_not_come_again_is_called_unsteady():
    """
    The end result is repeated three times, and must come out the same each time.
    """
    asked = []

    def fails(tests):
        asked.append(tests)
        return "t3" in tests and asked.count(("t3",)) < 3

    assert Search(fails).find(BEFORE).case == "unsteady"
