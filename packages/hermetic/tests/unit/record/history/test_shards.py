"""
A suite in parts that take equally long.
"""

from __future__ import annotations

import pytest
from hermetic.record.history.shards import digest, split

TESTS = [f"test_{file}.py::test_{n}" for file in range(12) for n in range(10)]
DURATIONS = {name: 0.1 * (index % 7 + 1) for index, name in enumerate(TESTS)}


@pytest.mark.parametrize("parts", [1, 2, 5, 200])
def test_every_test_is_in_one_part(parts):
    """
    Whatever the order in which they come, and also with more parts than tests.
    """
    shares = split(TESTS, DURATIONS, parts=parts)

    assert sorted(name for share in shares for name in share) == sorted(TESTS)
    assert split(reversed(TESTS), DURATIONS, parts=parts) == shares


def test_parts_take_equally_long_and_keep_files_together():
    """
    By durations, not by how many tests there are.
    """
    durations = DURATIONS | {TESTS[0]: 20.0}
    loads = [sum(durations[name] for name in share) for share in split(TESTS, durations, parts=3)]
    shares = split(TESTS, DURATIONS, parts=3)

    assert max(loads) <= 1.1 * sum(loads) / 3
    assert all(len({name in share for name in TESTS[10:20]}) == 1 for share in shares)


def test_unknown_durations_count_as_the_usual_one():
    """
    So that new tests do not all end up in one part; without any, every test counts alike.
    """
    shares = split(TESTS, {}, parts=4)

    assert {len(share) for share in shares} == {30}
    assert digest(TESTS, {}) == digest(reversed(TESTS), {}) != digest(TESTS, DURATIONS)


def test_no_parts_are_refused():
    """
    With the number.
    """
    with pytest.raises(ValueError, match="parts = 0 must be 1 or more"):
        split(TESTS, {}, parts=0)
