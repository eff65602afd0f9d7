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
def test_one_polluter_costs_few_probes(case):
    """
    At most 3 log2 n + 6, whatever its place.
    """
    size, place = case
    before = [f"t{n}" for n in range(size)]
    found = Search(lambda tests: before[place] in tests).find(before)

    assert found.tests == (before[place],)
    assert found.probes <= 3 * math.log2(size) + 6


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
