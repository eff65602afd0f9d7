"""
Virtual time beside a real database: no jump while a statement runs.
"""

from __future__ import annotations

import asyncio

import aiosqlite
from hermetic.guard.schedule.virtual import VirtualClock

LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT count(*) FROM n"


async def test_time_does_not_jump_while_the_database_is_at_work():
    """
    The loop has nothing to do meanwhile, and a deadline of an hour would pass at once.
    """
    clock = VirtualClock()
    clock.start()
    try:
        async with asyncio.timeout(3600), aiosqlite.connect(":memory:") as database:
            async with database.execute(LONG) as cursor:
                (row,) = await cursor.fetchall()
            jumps = clock.jumps
            await asyncio.sleep(1800)
    finally:
        clock.stop()

    assert row == (2000000,)
    assert jumps == 0
    assert clock.skipped_s > 1700
