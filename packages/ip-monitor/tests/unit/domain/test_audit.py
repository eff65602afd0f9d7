"""
Who asked, as the audit shows it.
"""

from __future__ import annotations

import pytest
from ip_monitor.domain.audit import Actor


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("ann", "ann"),
        ("  ann\n  of\tthe office ", "ann of the office"),
        ("", "somebody"),
        (" \n", "somebody"),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 100),
    ],
    ids=["plain", "several lines", "empty", "white", "as long as may be", "longer"],
)
def test_a_name_stays_on_one_line_of_a_hundred_characters(given, shown):
    """
    Whatever it was made of outside; nobody's name is somebody.
    """
    actor = Actor(name=given, via="discord")

    assert (actor.name, str(actor)) == (shown, f"{shown} (discord)")
