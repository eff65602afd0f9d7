"""
The order of the fastest feedback, and the number of workers that a suite gains from.
"""

from __future__ import annotations

import itertools

import pytest
from hermetic.record.history.feedback import Known, from_text, order, to_text
from hermetic.record.history.runs import Run
from hermetic.record.history.workers import choose
from hypothesis import given
from hypothesis import strategies as st


def test_failures_of_late_come_first_and_then_what_tells_most_a_second():
    """
    A new test tells a bit, a sure one next to nothing; what takes long tells less a second.
    """
    known = {
        "a.py::sure": Known(200, 0, 0.1, -1),
        "a.py::shaky": Known(200, 60, 0.1, 15),
        "b.py::slow": Known(200, 60, 30.0, -1),
        "b.py::failed_before": Known(50, 2, 0.5, 3),
        "c.py::failed_slowly": Known(50, 2, 9.0, 0),
        "c.py::failed_quickly": Known(50, 2, 0.1, 0),
        "c.py::never_passed": Known(3, 3, -1.0, -1),
    }
    tests = [*sorted(known), "d.py::new"]

    found = order(tests, known)

    assert found[:3] == ["c.py::failed_quickly", "c.py::failed_slowly", "b.py::failed_before"]
    # Files by their bits a second, and within a file the tests.
    assert found[3:] == ["a.py::shaky", "a.py::sure", "d.py::new", "c.py::never_passed", "b.py::slow"]
    assert from_text(to_text(known)) == known


NAMES = st.lists(
    st.sampled_from([f"{file}.py::{name}" for file in "ab" for name in ("x", "C::y", "z[1::2]")]), unique=True
)
KNOWN = st.dictionaries(
    NAMES.map(lambda names: names[0] if names else "?"),
    st.builds(
        lambda n, k, s, ago: Known(n, min(n, k), s, ago),
        *[st.integers(0, 50)] * 2,
        st.floats(-1, 9),
        st.integers(-1, 9),
    ),
)


@given(NAMES, KNOWN)
def test_every_test_stays_there_once_and_files_stay_together(names, known):
    """
    Whatever is known of them; only those that failed of late leave their file.
    """
    found = order(names, known)
    files = [name.partition("::")[0] for name in found if name not in known or known[name].failed_ago < 0]

    assert sorted(found) == sorted(names)
    assert len([1 for one, other in itertools.pairwise(files) if one != other]) < 2


def runs(took):
    """
    Two runs of each number of workers, and one that was broken off.
    """
    broken = (Run(id="x", at=0.0, duration_s=0.1, workers=1, status=2), 100)
    return [broken, *((Run(id="y", at=0.0, duration_s=s, workers=n), 100) for n, s in took.items() for _ in (1, 2))]


@pytest.mark.parametrize(
    ("took", "chosen"),
    [
        ({}, 4),
        ({4: 60.0}, 5),
        ({4: 60.0, 5: 50.0}, 6),
        ({4: 60.0, 5: 50.0, 6: 49.9}, 8),
        ({4: 60.0, 5: 50.0, 6: 55.0}, 5),
        ({4: 60.0, 5: 60.0}, 3),
        ({4: 60.0, 5: 61.0, 3: 59.0, 2: 50.0, 1: 90.0}, 2),
        ({4: 60.0, 5: 61.0, 3: 59.0, 2: 50.0, 1: 48.0}, 0),
        ({4: 60.0, 5: 61.0, 3: 59.0, 2: 50.0, 1: 48.0, 0: 20.0}, 0),
        ({4: 60.0, 5: 61.0, 3: 59.0}, 2),
        ({4: 10.0, 5: 9.9, 6: 9.9, 3: 9.95}, 3),
    ],
)
def test_the_number_of_workers_is_climbed_to_and_the_smallest_of_equals_kept(took, chosen):
    """
    From four processors up, and down where more is no gain.
    """
    assert choose(runs(took), processors=4).workers == chosen


def test_runs_of_another_size_say_nothing():
    """
    Nor does one run alone make a number known.
    """
    other = [(Run(id="z", at=0.0, duration_s=1.0, workers=2), 10)] * 5

    assert choose([*runs({4: 60.0, 5: 61.0, 3: 70.0})[1:], *other], processors=4).workers == 4
    # Nor does the newest run: a test that was run alone, or a run that ended at its first failure.
    whole = runs({4: 60.0, 5: 61.0, 3: 70.0})
    assert choose([*other[:1], *whole], processors=4) == choose(whole, processors=4)
    assert choose(whole, processors=4).why.startswith("measured: ")
    assert "4 are to be measured" in choose([(Run(id="z", at=0.0, duration_s=9.0, workers=4), 10)], processors=4).why
