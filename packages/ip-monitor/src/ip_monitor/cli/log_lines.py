"""
The same events as lines in a log, for journals and pipes. A verdict is written when it differs from the one before;
the same again is left to `debug`, so that a quiet month is quiet in the log too.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, TextIO, cast

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
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.domain.wording import stamp

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from ip_monitor.domain.addresses import Family
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.events import Event

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
OFFLINE_HINT = "no provider can be reached; asking again by itself. Without internet, see: ip-monitor simulate"


class Lines(Protocol):
    """
    The part of a text file that lines are written to.
    """

    def write(self, text: str, /) -> int: ...

    def flush(self) -> None: ...


def logger(*, style: str, level: str, file: Lines) -> Any:
    """
    A structlog logger that writes one line an event: `text` for people, `json` for programs.

    structlog takes in rich wherever that is installed, 4 MiB for coloured tracebacks that these lines never show;
    so rich is hidden while structlog is imported.
    """
    hidden = "rich" not in sys.modules
    if hidden:
        sys.modules["rich"] = None  # type: ignore[assignment] # what the import system reads as "not there"
    try:
        import structlog  # noqa: PLC0415 # only a log pays for it
    finally:
        if hidden:
            del sys.modules["rich"]
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if style == "json" else _as_text
    return structlog.wrap_logger(
        structlog.WriteLogger(cast("TextIO", file)),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
    )


def _as_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    head = f"{event.pop('timestamp')} {event.pop('level'):<7} {_one_line(event.pop('event'))}"
    return head + "".join(f"  {name}={_quoted(value)}" for name, value in event.items())


def _one_line(value: Any) -> str:
    # What comes from outside must not be able to look like another line.
    return " ".join(str(value).split())


def _quoted(value: Any) -> str:
    text = _one_line(value)
    return f'"{text}"' if " " in text or not text else text


class LogLines:
    """
    Writes events to a logger.
    """

    def __init__(self, log: Any) -> None:
        self._log = log
        self._last: dict[Family, tuple[VerdictKind, str]] = {}
        self._is_offline = False

    def observe(self, event: Event) -> None:
        match event:
            case CheckStarted():
                self._log.debug("asking", check=event.number, trigger=event.trigger.value)
            case AnswerArrived():
                self._answer(event)
            case ConfirmationStarted():
                families = ",".join(family.label for family in event.families)
                self._log.info("a new address, asking a second time", family=families, pause_s=event.pause_s)
            case CheckFinished():
                self._verdicts(event)
            case ChangeRecorded():
                # The notifier named "log" announces it, through the same queue as every other announcement.
                self._log.debug("recorded", change=event.change.key)
            case HostPartReplaced():
                verdict, before = event.ballot.verdict, str(event.ballot.previous)
                self._log.info("another host part in the same prefix", address=str(verdict.address), before=before)
            case NoticeDelivered() | NoticeFailed():
                self._delivery(event)
            case Trouble() | TroubleOver():
                self._trouble(event)
            case SourcesChanged():
                self._log.info("asking from now on", sources=", ".join(source.name for source in event.sources))

    def _answer(self, event: AnswerArrived) -> None:
        answer = event.answer
        said = (
            str(answer.address) if answer.failure is None else f"{answer.failure.kind.value}: {answer.failure.detail}"
        )
        self._log.debug("answer", source=answer.source.name, said=said, latency_s=round(answer.latency_s, 4))

    def _verdicts(self, event: CheckFinished) -> None:
        for ballot in event.check.ballots:
            self._verdict(ballot)
        for family in event.check.unconfirmed:
            self._log.info("a new address was seen once and not confirmed", family=family.label)
        offline = {ballot.verdict.kind for ballot in event.check.ballots} == {VerdictKind.OFFLINE}
        if offline and not self._is_offline:
            self._log.warning(OFFLINE_HINT)
        self._is_offline = offline
        if event.next_at is not None:
            self._log.debug("next check", at=stamp(event.next_at))

    def _verdict(self, ballot: Ballot) -> None:
        verdict = ballot.verdict
        now = (verdict.kind, str(verdict.address))
        before = self._last.get(ballot.family)
        self._last[ballot.family] = now
        # What is new and confirmed is announced by the notifier named "log"; what follows it is no news.
        is_same = now == before or (before is not None and before[0].is_new and verdict.kind is VerdictKind.STABLE)
        if is_same or verdict.kind.is_new:
            write = self._log.debug
        else:
            write = self._log.info if verdict.kind.is_known else self._log.warning
        known = {} if verdict.address is None else {"address": str(verdict.address)}
        write(verdict.kind.value.replace("_", " "), family=ballot.family.label, **known, why=verdict.reason)

    def _trouble(self, event: Trouble | TroubleOver) -> None:
        if isinstance(event, TroubleOver):
            self._log.info("works again", topic=event.topic)
            return
        write = self._log.error if event.count == 1 else self._log.debug
        remedy = {"remedy": event.remedy} if event.remedy else {}
        write(event.what, topic=event.topic, **remedy, in_a_row=event.count)

    def _delivery(self, event: NoticeDelivered | NoticeFailed) -> None:
        if isinstance(event, NoticeDelivered):
            # The announcement in the log is itself the line.
            write = self._log.debug if event.notice.sink == "log" else self._log.info
            write("delivered", sink=event.notice.sink, address=str(event.notice.change.address))
            return
        facts = {"sink": event.notice.sink, "why": event.reason}
        if event.retry_at is None:
            self._log.error("not delivered, given up", **facts)
        else:
            self._log.warning("not delivered, will be tried again", **facts, at=stamp(event.retry_at))
