"""
A pool that keeps to its size, proven by what was open at once; and an order book that does not grow.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest
from hermetic import ResourceBenchmark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Pool:
    """
    The code under test: at most `size` connections at a time.
    """

    def __init__(self, path: Path, *, size: int) -> None:
        self._path = path
        self._free = asyncio.Semaphore(size)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[sqlite3.Connection]:
        async with self._free:
            with contextlib.closing(sqlite3.connect(self._path)) as opened:
                yield opened


@pytest.mark.limits(database_connections=3, threads=0, warn_at=1)  # a pool may be full
async def test_fifty_queries_use_no_more_connections_than_the_pool_has(tmp_path):
    """
    The limit counts what is open, wherever it was opened.
    """
    pool = Pool(tmp_path / "shop.db", size=3)

    async def query() -> int:
        async with pool.connection() as connection:
            await asyncio.sleep(0)
            return int(connection.execute("select 1").fetchone()[0])

    assert await asyncio.gather(*(query() for _ in range(50))) == [1] * 50


def test_taking_and_cancelling_an_order_leaves_nothing_behind():
    """
    Bytes a call, with an interval; `check` raises if there is growth.
    """
    orders: dict[int, str] = {}

    def take_and_cancel() -> None:
        number = len(orders)
        orders[number] = f"order {number}"
        del orders[number]

    ResourceBenchmark().run(take_and_cancel).check()
