"""
What the doctor says is not seen, by where it runs.
"""

from __future__ import annotations

import dataclasses

import pytest
from hermetic.guard.blind_spots import Surroundings, blind_spots

BEST = Surroundings(
    platform="linux",
    python=(3, 13),
    implementation="cpython",
    is_root=True,
    counts_descriptors=True,
    lists_children=True,
    has_uvloop=False,
)


def test_where_everything_is_there_nothing_is_said():
    """
    A new Linux, a tested CPython, root.
    """
    assert blind_spots(BEST) == []


@pytest.mark.parametrize(
    "lacks, words",
    [
        ({"platform": "darwin"}, "no /proc"),
        ({"counts_descriptors": False}, "Linux 6.2"),
        ({"lists_children": False}, "orphaned processes"),
        ({"implementation": "pypy"}, "pypy does not count references"),
        ({"python": (3, 11)}, "before 3.12"),
        ({"python": (3, 14)}, "tested on Python 3.11 to 3.13"),
        ({"is_root": False}, "only root"),
        ({"has_uvloop": True}, "uvloop is loaded"),
    ],
)
def test_each_lack_is_one_sentence(lacks, words):
    """
    It says what is not seen, and because of what.
    """
    said = blind_spots(dataclasses.replace(BEST, **lacks))

    assert len(said) == 1
    assert words in said[0]


def test_this_machine_can_be_asked():
    """
    Whatever it is, without an error.
    """
    assert all(isinstance(line, str) for line in blind_spots(Surroundings.here()))
