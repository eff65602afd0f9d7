"""
The storage keeps the contract, and the contract finds storages that do not.
"""

from __future__ import annotations

import functools

import pytest
from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
from ip_monitor.testing import STORAGE_CONTRACT


@pytest.mark.parametrize("promise", STORAGE_CONTRACT, ids=lambda promise: promise.__name__)
async def test_sqlite_keeps_the_contract(tmp_path, promise):
    """
    Each promise on a file of its own.
    """
    await promise(functools.partial(SQLiteIPStorage.open, tmp_path / "ip.sqlite3"))


async def nothing(*_args, **_fields):
    return []


async def oldest_first(storage, **fields):
    return (await SQLiteIPStorage.get_ip_history(storage, **fields))[::-1]


async def without_ballots(storage, change, *, ballots=(), sinks=()):
    await SQLiteIPStorage.save_current_ip(storage, change, sinks=sinks)


@pytest.mark.parametrize(
    ("method", "broken", "promise"),
    [
        ("get_ip_history", oldest_first, "history_is_in_the_order_of_writing"),
        ("save_current_ip", without_ballots, "what_was_saved_outlives_closing"),
        ("save_ballots", nothing, "a_stable_ballot_says_when_the_address_was_seen"),
        ("mark_delivered", nothing, "a_delivery_is_pending_until_it_is_finished"),
        ("pending_notices", nothing, "the_same_change_twice_is_one"),
    ],
)
async def test_a_storage_that_breaks_a_promise_is_found(tmp_path, monkeypatch, method, broken, promise):
    """
    A defect of each kind is planted, and the promise about it fails.
    """
    monkeypatch.setattr(Wrapped, method, broken)
    (chosen,) = [one for one in STORAGE_CONTRACT if one.__name__ == promise]
    with pytest.raises(AssertionError):
        await chosen(functools.partial(Wrapped.open, tmp_path / "ip.sqlite3"))


class Wrapped(SQLiteIPStorage):
    """
    So that what is broken can still call what works.
    """
