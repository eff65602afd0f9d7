"""
What the page knows from events alone: who answered what, what runs now, what went wrong, and counts for metrics.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from ip_monitor.domain.answers import Answer
    from ip_monitor.domain.changes import Change
    from ip_monitor.domain.events import Event

SECTIONS = ("address", "providers", "changes", "delivery", "health", "log")
"""
The parts of the page that change on their own.
"""
_LINES = 200
_OUTCOMES = ("address", "failure")


def nobody_looks(_sections: Sequence[str]) -> None:
    pass


@dataclass(eq=False)
class Board:
    """
    An observer, and a file that log lines are written to. `on_news` is called with the sections that changed, for lines in
    whichever thread wrote them; it must return at once.

    Attributes:
        answers: each source's last answer, by the source's name.
        troubles: what is wrong now, by its topic.
        lines: the newest lines of the log, oldest first.
        newest: the change that was recorded last.
        version: grows whenever the status changes.
    """

    on_news: Callable[[Sequence[str]], object] = nobody_looks
    answers: dict[str, Answer] = field(default_factory=dict[str, "Answer"])
    troubles: dict[str, Trouble] = field(default_factory=dict[str, Trouble])
    lines: deque[str] = field(default_factory=lambda: deque[str](maxlen=_LINES))
    checking: bool = False
    confirming: bool = False
    next_at: datetime | None = None
    checked_at: datetime | None = None
    newest: Change | None = None
    version: int = 0
    checks: Counter[str] = field(default_factory=Counter[str])
    changes: Counter[str] = field(default_factory=Counter[str])
    asked: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    sent: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])

    def observe(self, event: Event) -> None:
        match event:
            case CheckStarted():
                self.checking, self.confirming = True, False
                self._news("address")
            case AnswerArrived():
                self._answer(event.answer)
            case ConfirmationStarted():
                self.confirming = True
                self._news("address")
            case CheckFinished():
                self._finish(event)
            case ChangeRecorded():
                self.newest = event.change
                self.changes[event.change.family.label] += 1
                self._news("address", "changes", "delivery")
            case NoticeDelivered() | NoticeFailed():
                outcome = "delivered" if isinstance(event, NoticeDelivered) else "failed"
                self.sent[event.notice.sink, outcome] += 1
                self._news("delivery", "health")
            case Trouble():
                self.troubles[event.topic] = event
                self._news("health")
            case TroubleOver():
                self.troubles.pop(event.topic, None)
                self._news("health")
            case SourcesChanged() | HostPartReplaced():
                self._news("address", "providers")

    def write(self, text: str) -> int:
        """
        Take log lines, as a file would.
        """
        lines = [line for line in text.splitlines() if line.strip()]
        self.lines.extend(lines)
        if lines:
            self._news("log")
        return len(text)

    def flush(self) -> None:
        """
        Files have it.
        """

    def touch(self) -> None:
        """
        Somebody did something that no event tells of: here, on the command line, in Discord.
        """
        self._news(*SECTIONS)

    def _answer(self, answer: Answer) -> None:
        self.answers[answer.source.name] = answer
        self.asked[answer.source.name, _OUTCOMES[answer.address is None]] += 1
        self._news("providers")

    def _finish(self, event: CheckFinished) -> None:
        self.checking = self.confirming = False
        self.next_at = event.next_at
        self.checked_at = event.check.finished_at
        self.checks[event.check.kind.value] += 1
        self._news("address", "providers", "health")

    def _news(self, *sections: str) -> None:
        self.version += "address" in sections
        self.on_news(sections)
