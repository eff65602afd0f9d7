"""
What a database says of announcements that are held back.
"""

from __future__ import annotations

import pytest
from ip_monitor.cli.holding_back import HoldingBack


@pytest.mark.parametrize("until", ["soon", "nan", "inf", "1e30", "0", "-5", ""])
def test_what_is_no_time_to_come_mutes_nobody(until):
    """
    A value that another program wrote keeps no command from telling the rest.
    """
    told = HoldingBack.told_by({"muted_until": until, "queue_stopped": "1"})

    assert told.as_json() == {"is_stopped": True, "muted_until": None}
    assert told.lines() == ["The queue is stopped; `ip-monitor queue start` sends again."]
