"""
A clock that only moves when told, or when somebody sleeps on it.
"""

from __future__ import annotations

import asyncio

import pytest


class SteppingClock:
    """
    Sleeping moves it at once, as if nothing else took time.
    """

    def __init__(self):
        self.now = 100.0
        self.wall = 1_700_000_000.0

    def monotonic(self):
        return self.now

    def time(self):
        return self.wall

    def advance(self, seconds):
        self.now += seconds
        self.wall += seconds

    async def sleep(self, delay):
        await asyncio.sleep(0)
        self.advance(max(0.0, delay))


@pytest.fixture
def clock():
    return SteppingClock()
