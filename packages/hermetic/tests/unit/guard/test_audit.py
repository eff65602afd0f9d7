"""
Who listens to audit events, and for how long.
"""

from __future__ import annotations

import sys

from hermetic.guard import audit

EVENT = "hermetic.test.audit"


def test_who_stops_listening_silences_nobody_else():
    """
    Others of the same event go on, and the last one leaves nothing behind.
    """
    heard = []
    stops = [audit.listen(EVENT, lambda values, name=name: heard.append((name, values))) for name in "abc"]
    sys.audit(EVENT, 1)
    stops[1]()
    sys.audit(EVENT, 2)
    stops[0]()
    stops[2]()
    sys.audit(EVENT, 3)

    assert heard == [("a", (1,)), ("b", (1,)), ("c", (1,)), ("a", (2,)), ("c", (2,))]
    assert EVENT not in audit._listeners
