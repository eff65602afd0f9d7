"""
What is announced, to whom, and how far it got.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from ip_monitor.domain.changes import Change


CHANGE_PRIORITY = 10
REMINDER_PRIORITY = 0


class DeliveryState(StrEnum):
    """
    How far a delivery got. Only `PENDING` rows are tried.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"  # refused for good by the receiver
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    One change on its way to one sink, or a reminder of one.

    Attributes:
        key: `<change key>:<sink>`; a receiver that honours it acts once however often it arrives. The change of a
            reminder has a key of its own.
        priority: higher ones are sent first: `CHANGE_PRIORITY` or `REMINDER_PRIORITY`.
        attempts: how often it was tried before, 0 or more.
        created_at: when it was written, in the same transaction as its change, UTC.
        due_at: not to be tried before, UTC.
    """

    key: str
    sink: str
    change: Change
    attempts: int
    created_at: datetime
    due_at: datetime
    priority: int = CHANGE_PRIORITY


def reminder_key(change_key: str, at: datetime) -> str:
    """
    The key of a change under which it is told again at `at`.
    """
    return f"{change_key}-r{at:%Y%m%d%H%M}"


def notice_key(change_key: str, sink: str) -> str:
    return f"{change_key}:{sink}"
