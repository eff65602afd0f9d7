"""
A failure that explains itself: the journal of a run, read back, names the cause with its evidence.
"""

import subprocess
import sys

from hermetic import TestReporter

SHOP = """
import asyncio
from unittest.mock import AsyncMock

async def price_of_everything(fetch, things):
    return await asyncio.gather(*(fetch(thing) for thing in things))

def test_prices_are_fetched_at_once():
    fetch = AsyncMock(side_effect=[3, 4, 5])
    prices = asyncio.run(price_of_everything(fetch, ["tea", "milk", "sugar", "salt"]))
    assert len(prices) == 4
"""


def test_a_mock_that_ran_out_is_named_as_that_and_not_as_a_race(tmp_path):
    """
    Four calls, three answers: it fails the same way every time, and the report says why.
    """
    (tmp_path / "test_shop.py").write_text(SHOP)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "--hermetic-journal=journal.jsonl", "--hermetic-history=off"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    (test,) = TestReporter.from_journals(tmp_path / "journal.jsonl").document["tests"]
    cause = test["diagnoses"][0]
    assert cause["cause"] == "A mock ran out of side effects: it was called 4 times and was given 3. This is no race."
    assert (cause["rule"], cause["confidence"]) == ("mock.exhausted", "certain")
    assert cause["cause"] in ran.stdout
