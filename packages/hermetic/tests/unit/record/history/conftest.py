"""
A history of a test's own.
"""

from __future__ import annotations

import pytest
from hermetic.record.history.store import HistoryStore


@pytest.fixture
def told():
    return []


@pytest.fixture
def store(tmp_path, told):
    with HistoryStore(tmp_path / "h", tell=told.append) as store:
        yield store
