"""
A line that goes back and forth between two addresses.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from ip_monitor.domain.changes import Change
from ip_monitor.domain.flapping import FLAP_WINDOW_S, RECENT_CHANGES, pool_of

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ONE, TWO, THREE = (ipaddress.ip_address(text) for text in ("93.184.216.34", "93.184.216.35", "93.184.216.36"))


def change(previous, address, *, ago_s, pool=()):
    return Change(
        key=f"{address}-{ago_s}", address=address, previous=previous, at=AT - timedelta(seconds=ago_s), pool=pool
    )


def pool_after(*recent, previous=ONE, address=TWO):
    return pool_of(recent, previous=previous, address=address, at=AT)


def test_the_third_change_between_two_addresses_shows_a_pool():
    """
    There, back, and there again; two earlier changes are all that is looked at.
    """
    back, there = change(TWO, ONE, ago_s=60), change(ONE, TWO, ago_s=120)
    pool = pool_after(back, there)

    assert pool is not None
    assert (pool.addresses, pool.is_new) == ((ONE, TWO), True)
    assert len((back, there)) == RECENT_CHANGES
    assert pool_after(back) is None
    assert pool_after(back, change(THREE, TWO, ago_s=120)) is None


@pytest.mark.parametrize(
    ("ago_s", "is_known"), [(0, True), (0.5, True), (FLAP_WINDOW_S, True), (FLAP_WINDOW_S + 1, False), (-1, False)]
)
def test_a_pool_lasts_as_long_as_its_window(ago_s, is_known):
    """
    To the very end of the hour and from the same moment on; of a change in the future, as after a clock was set back,
    nothing is said.
    """
    pool = pool_after(change(TWO, ONE, ago_s=ago_s, pool=(ONE, TWO)))

    assert is_known is (pool is not None and not pool.is_new)


def test_the_first_address_and_the_first_change_are_of_no_pool():
    """
    Without an address before, or without an earlier change, nothing goes back and forth.
    """
    assert pool_after(change(TWO, ONE, ago_s=60, pool=(ONE, TWO)), previous=None) is None
    assert pool_after() is None
    assert pool_after(change(TWO, ONE, ago_s=60, pool=(ONE, TWO)), address=THREE) is None
