"""
What happens while the monitor runs, for whoever shows it: the terminal, the log, the page, metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from ip_monitor.domain.addresses import Family
    from ip_monitor.domain.answers import Answer, Source
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.changes import Change
    from ip_monitor.domain.checks import Check, Trigger
    from ip_monitor.domain.notices import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStarted:
    number: int
    trigger: Trigger
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerArrived:
    """
    One source answered within a running check. `round` is 1 for the first panel, 2 and more for confirmations.
    """

    check: int
    round: int
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationStarted:
    """
    A panel saw a new address; after `pause_s` seconds it is asked again.
    """

    check: int
    families: tuple[Family, ...]
    pause_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFinished:
    """
    A check came to its verdicts. `next_at` is when the schedule asks again, UTC; None for a single check.
    """

    check: Check
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecorded:
    """
    A change is on disk, with its ballots and its deliveries.
    """

    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPartReplaced:
    """
    An IPv6 address has another host part in the known prefix, as privacy addresses get every day: no change of the line,
    so nobody is told but the log. The ballot names the address before and the one now.
    """

    ballot: Ballot


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDelivered:
    notice: Notice
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFailed:
    """
    A try failed. `retry_at` is None when it was given up for good.
    """

    notice: Notice
    at: datetime
    reason: str
    retry_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """
    Something outside the question of the address went wrong, and the monitor goes on.

    Attributes:
        topic: what is in trouble: "check", "storage", "delivery".
        what: what happened, a sentence for people.
        remedy: what they can do; empty when nothing is to be done but wait.
        count: how often in a row, from 1.
    """

    at: datetime
    topic: str
    what: str
    remedy: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleOver:
    """
    What `Trouble` told of under the same topic works again.
    """

    at: datetime
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesChanged:
    """
    From the next check on these are asked.
    """

    sources: tuple[Source, ...]


Event: TypeAlias = (
    CheckStarted
    | AnswerArrived
    | ConfirmationStarted
    | CheckFinished
    | ChangeRecorded
    | HostPartReplaced
    | NoticeDelivered
    | NoticeFailed
    | Trouble
    | TroubleOver
    | SourcesChanged
)
