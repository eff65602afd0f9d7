"""
A suite in parts that take equally long.
"""

from __future__ import annotations

import hashlib

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


def test_a_new_test_takes_as_long_as_the_others_mostly_do():
    """
    The median of those that are known, and not a second: it is given last here.
    """
    durations = {"a.py::t": 0.1, "b.py::t": 0.1, "c.py::t": 0.2}

    assert split([*durations, "z.py::t"], durations, parts=2) == [{"c.py::t", "z.py::t"}, {"a.py::t", "b.py::t"}]


def test_the_longest_is_given_first():
    """
    The example for two machines that shows how far this can be from the best: 7 instead of 6 (Graham 1969), and one where
    the order of names would give 3 instead of 2.
    """
    long_first = {"a.py::t": 3.0, "b.py::t": 3.0, "c.py::t": 2.0, "d.py::t": 2.0, "e.py::t": 2.0}
    long_last = {"a.py::t": 1.0, "b.py::t": 1.0, "c.py::t": 2.0}

    assert split(long_first, long_first, parts=2) == [{"a.py::t", "c.py::t", "e.py::t"}, {"b.py::t", "d.py::t"}]
    assert split(long_last, long_last, parts=2) == [{"c.py::t"}, {"a.py::t", "b.py::t"}]


def test_a_file_of_half_a_part_stays_whole_and_a_longer_one_does_not():
    """
    Two parts of eight seconds take four each; one file takes exactly two, the other six.
    """
    durations = {"a.py::1": 1.0, "a.py::2": 1.0, "b.py::1": 3.0, "b.py::2": 3.0}

    assert split(durations, durations, parts=2) == [{"a.py::1", "a.py::2", "b.py::1"}, {"b.py::2"}]


def test_the_digest_is_short_and_tells_durations_apart():
    """
    The first eight digits of SHA-256, here of "a", a tab and 1.5, and of the same with -1.0 for what is not known.
    """
    assert digest(["a"], {"a": 1.5}) == hashlib.sha256(b"a\t1.5").hexdigest()[:8]
    assert digest(["a"], {}) == hashlib.sha256(b"a\t-1.0").hexdigest()[:8]


def test_no_parts_are_refused():
    """
    With the number.
    """
    with pytest.raises(ValueError, match="parts = 0 must be 1 or more"):
        split(TESTS, {}, parts=0)
