"""
Concurrency: five answers for fifty calls, taken for a race.
"""

import asyncio
from unittest.mock import AsyncMock


async def test_fifty_checks_at_once():
    ask = AsyncMock(side_effect=["198.51.100.7"] * 5)
    answers = await asyncio.gather(*(ask() for _ in range(50)))
    assert len(answers) == 50
