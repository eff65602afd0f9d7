"""
Watching the loop opens files for a moment, which are nobody's leak.
"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.timeout(240)


def test_what_the_watcher_opens_is_not_in_the_census(suite):
    """
    Callbacks that are looked at while they run, one after another, end with nothing found: no file, no descriptor.
    """
    suite.write(
        "test_a.py",
        """
        import asyncio, time
        import pytest

        @pytest.mark.parametrize("number", range(60))
        async def test_busy(number):
            end = time.thread_time() + 0.05
            while time.thread_time() < end:
                pass
        """,
    )

    run = suite.run(plugins=("asyncio",))

    assert run.found == []
    assert run.outcomes == {"passed": 60}
