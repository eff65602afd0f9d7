"""
What there is to see now, gathered from the monitor's events. The terminal draws it; `simulate` sums it up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer
from ip_monitor.domain.ballots import Ballot
from ip_monitor.domain.changes import Change, CurrentAddress
from ip_monitor.domain.events import (
    AnswerArrived,
    ChangeRecorded,
    CheckFinished,
    CheckStarted,
    ConfirmationStarted,
    HostPartReplaced,
    NoticeDelivered,
    NoticeFailed,
    SourcesChanged,
    Trouble,
    TroubleOver,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ip_monitor.domain.answers import Source
    from ip_monitor.domain.events import Event

SHOWN_CHANGES = 5
SHOWN_WARNINGS = 3


@dataclass(slots=True)
class Picture:
    """
    The state that a viewer sees. `observe` keeps it current; reading it costs nothing.

    Attributes:
        sources: who is asked, in the order they are shown.
        current: the address known of each family.
        ballots: each family's last ballot.
        answers: each source's last answer, by the source's name.
        changes: the newest changes, newest first, at most `SHOWN_CHANGES`.
        checking: whether a check is running; `confirming`, whether it asks a second time.
        next_at: when the schedule asks again, UTC.
        undelivered: what became of notices that could not be delivered, by key.
        troubles: what is wrong now, by its topic.
        warnings: the newest warnings of the package's own log.
    """

    sources: tuple[Source, ...] = ()
    current: dict[Family, CurrentAddress] = field(default_factory=dict[Family, CurrentAddress])
    ballots: dict[Family, Ballot] = field(default_factory=dict[Family, Ballot])
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    changes: deque[Change] = field(default_factory=lambda: deque[Change](maxlen=SHOWN_CHANGES))
    checking: bool = False
    confirming: bool = False
    checks: int = 0
    next_at: datetime | None = None
    undelivered: dict[str, NoticeFailed] = field(default_factory=dict[str, NoticeFailed])
    delivered: int = 0
    troubles: dict[str, Trouble] = field(default_factory=dict[str, Trouble])
    warnings: deque[str] = field(default_factory=lambda: deque[str](maxlen=SHOWN_WARNINGS))

    def begin(self, *, current: Iterable[CurrentAddress], changes: Iterable[Change]) -> None:
        """
        Start from what storage knows; `changes` come newest first.
        """
        self.current = {one.family: one for one in current}
        self.changes.extend(list(changes)[:SHOWN_CHANGES])

    def observe(self, event: Event) -> None:
        match event:
            case CheckStarted():
                self.checking, self.confirming = True, False
            case AnswerArrived():
                self.answers[event.answer.source.name] = event.answer
            case ConfirmationStarted():
                self.confirming = True
            case CheckFinished():
                self._finish(event)
            case HostPartReplaced():
                self._replace(event.ballot)
            case ChangeRecorded():
                self.changes.appendleft(event.change)
            case NoticeDelivered() | NoticeFailed():
                self._delivery(event)
            case Trouble() | TroubleOver():
                self._trouble(event)
            case SourcesChanged():
                self.sources = event.sources

    def _delivery(self, event: NoticeDelivered | NoticeFailed) -> None:
        if isinstance(event, NoticeDelivered):
            self.undelivered.pop(event.notice.key, None)
            self.delivered += 1
        else:
            self.undelivered[event.notice.key] = event

    def _replace(self, ballot: Ballot) -> None:
        known = self.current.get(ballot.family)
        if known is not None and ballot.verdict.address is not None:
            self.current[ballot.family] = replace(known, address=ballot.verdict.address, seen_at=ballot.at)

    def _trouble(self, event: Trouble | TroubleOver) -> None:
        if isinstance(event, Trouble):
            self.troubles[event.topic] = event
        else:
            self.troubles.pop(event.topic, None)

    def _finish(self, event: CheckFinished) -> None:
        self.checking = self.confirming = False
        self.checks += 1
        self.next_at = event.next_at
        self.ballots.update({ballot.family: ballot for ballot in event.check.ballots})
        for change in event.check.changes:
            self.current[change.family] = CurrentAddress(address=change.address, since=change.at, seen_at=change.at)
