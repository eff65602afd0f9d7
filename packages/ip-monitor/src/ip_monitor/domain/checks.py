"""
One finished check: why it ran, and one ballot a family.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ip_monitor.domain.verdicts import VerdictKind, overall

if TYPE_CHECKING:
    from datetime import datetime

    from ip_monitor.domain.addresses import Family
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.changes import Change


class Trigger(StrEnum):
    """
    Why a check runs.
    """

    START = "start"
    SCHEDULE = "schedule"
    CANARY = "canary"  # one cheap probe disagreed with the known address
    REQUEST = "request"  # a person or a program asked
    NETWORK = "network"  # an address or a route of this machine changed
    WAKE = "wake"  # the machine slept


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    What one check found.

    Attributes:
        number: counts the checks of this process from 1.
        started_at, finished_at: UTC.
        ballots: the last ballot of each family asked, by family.
        earlier: the ballots before those, of families that were asked more than once, in the order of asking.
        changes: what was confirmed and written by this check.
        unconfirmed: families in which a first panel saw a new address that the second one did not confirm.
    """

    number: int
    trigger: Trigger
    started_at: datetime
    finished_at: datetime
    ballots: tuple[Ballot, ...]
    changes: tuple[Change, ...] = ()
    earlier: tuple[Ballot, ...] = ()
    unconfirmed: tuple[Family, ...] = ()

    @property
    def kind(self) -> VerdictKind:
        """
        The kind that stands for all families.
        """
        return overall(ballot.verdict.kind for ballot in self.ballots)
