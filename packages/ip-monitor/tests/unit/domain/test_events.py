"""
What is told of events when nobody says more.
"""

from __future__ import annotations

from datetime import UTC, datetime

from ip_monitor.domain.events import Trouble


def test_a_trouble_that_nobody_counts_is_the_first():
    """
    It counts from one, and asks nothing of people but to wait.
    """
    trouble = Trouble(at=datetime(2026, 1, 2, tzinfo=UTC), topic="check", what="No source answers.")

    assert (trouble.count, trouble.remedy) == (1, "")
