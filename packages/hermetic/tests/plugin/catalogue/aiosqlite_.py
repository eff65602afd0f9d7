"""
aiosqlite connections.
"""

import aiosqlite
import pytest

kept = []


@pytest.mark.finds("aiosqlite.connection")
async def test_defect_connection_left_open(tmp_path):
    kept.append(await aiosqlite.connect(tmp_path / "a.db"))  # here


async def test_clean_connection(tmp_path):
    async with aiosqlite.connect(tmp_path / "a.db") as database:
        await database.execute("SELECT 1")
