"""
A line that goes back and forth between two addresses, as one with two ways out or a pool behind it does.

The first change and the first return are news. With the third change in a row between the same two addresses within an hour
the two are a pool: people are told so once, and are not told again while it goes on. Every change is on record all the
same, and programs hear of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.domain.addresses import is_same_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ip_monitor.domain.addresses import Address
    from ip_monitor.domain.changes import Change

FLAP_WINDOW_S = 3600.0
"""
So long the three changes may take, and so long after the last one a pool is over, seconds.
"""
RECENT_CHANGES = 2
"""
How many earlier changes of the family are looked at.
"""


@dataclass(frozen=True, slots=True)
class Pool:
    """
    Two addresses that alternate; `is_new` when this change is the one that shows it.
    """

    addresses: tuple[Address, Address]
    is_new: bool


def pool_of(recent: Sequence[Change], *, previous: Address | None, address: Address, at: datetime) -> Pool | None:
    """
    Whether a change from `previous` to `address` is one of a pool.

    Args:
        recent: the last changes of the family, newest first, this one not among them.
        previous: the address before.
        address: the new one.
        at: when it was confirmed, UTC.
    """
    if previous is None or not recent:
        return None
    last = recent[0]
    if not _is_recent(last, at):
        return None
    if last.pool:
        known = all(any(is_same_line(one, other) for other in last.pool) for one in (previous, address))
        return Pool((last.pool[0], last.pool[1]), is_new=False) if known else None
    if len(recent) < RECENT_CHANGES or not _is_recent(recent[1], at):
        return None
    back = _goes(last, address, previous)
    forth = _goes(recent[1], previous, address)
    return Pool((previous, address), is_new=True) if back and forth else None


def _goes(change: Change, start: Address, end: Address) -> bool:
    return is_same_line(change.previous, start) and is_same_line(change.address, end)


def _is_recent(change: Change, at: datetime) -> bool:
    # Of a clock that was set back nothing can be said; then each change is news.
    return 0 <= (at - change.at).total_seconds() <= FLAP_WINDOW_S
