"""
One try told in full: its parts, what happened in it by lanes, what was waited for when its time was over, its resources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hermetic.guard.deadlines.events import DeadlinePassed, HangEnded, HangStep
from hermetic.guard.events import FindingMended, FindingReported
from hermetic.guard.reached import DatabaseOpened, OutsideReached
from hermetic.record.events import (
    Checkpoint,
    FixtureSetUp,
    FixtureTornDown,
    LogWritten,
    OperationBegan,
    OperationEnded,
    PhaseEnded,
    ResourcesSampled,
    StateChanged,
    TaskEnded,
    TaskFailed,
    TestBegan,
    TestRetried,
)
from hermetic.world.http.decisions import Decided, ExchangeEnded, ServerChanged

if TYPE_CHECKING:
    from hermetic.foundation import Event
    from hermetic.record.failure import Failure
    from hermetic.record.run import Try

_MOST_EVENTS: Final = 300
_MOST_SAMPLES: Final = 200
# What another event says better, or only this module reads.
_UNTOLD: Final = (PhaseEnded, TestBegan, OperationBegan, ResourcesSampled)


def story(one: Try) -> dict[str, Any]:
    """
    What a report shows of a try that is worth a look. Of more than 300 events the first and the last are told.
    """
    told = [_event(at_s, event) for at_s, event in one.events if not isinstance(event, _UNTOLD)]
    told.sort(key=lambda one: float(one["at_s"]))
    shown: dict[str, Any] = {
        "phases": [
            {"name": phase.name, "outcome": phase.outcome, "began_s": phase.began_s, "duration_s": phase.duration_s}
            for phase in one.phases
        ],
        "events": told if len(told) <= _MOST_EVENTS else [*told[: _MOST_EVENTS // 2], *told[-_MOST_EVENTS // 2 :]],
        "events_left_out": max(0, len(told) - _MOST_EVENTS),
        "output": [{"title": title, "text": text} for phase in one.phases for title, text in phase.output],
    }
    waits = [event.text for _, event in one.events if isinstance(event, DeadlinePassed) and event.text]
    if waits:
        shown["waits"] = waits
    samples = [
        [round(at_s, 3), event.memory_bytes, event.descriptors, event.threads]
        for at_s, event in one.events
        if isinstance(event, ResourcesSampled)
    ]
    if len(samples) > 1:
        shown["samples"] = samples[:: -(-len(samples) // _MOST_SAMPLES)]
    if one.failure is not None and one.failure.tasks:
        shown["alive"] = one.failure.tasks
    if one.failure is not None:
        shown["failure"] = [_failure(each) for each in one.failure.chain()]
        if one.failure.nature:
            shown["nature"] = one.failure.nature
    return shown


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "type": failure.type,
        "message": failure.message,
        "frames": [
            {"file": frame.file, "line": frame.line, "function": frame.function, "source": frame.source}
            for frame in failure.frames
            if frame.is_own
        ],
    }


def _event(at_s: float, event: Event) -> dict[str, Any]:
    """
    A lane, a label, and where there is one a length, which ends at the event's moment.
    """
    lane, label, took = _lane(event)
    return {"at_s": round(at_s - took, 6), "took_s": took, "lane": lane, "label": label, "kind": event.kind}


def _lane(event: Event) -> tuple[str, str, float]:  # noqa: PLR0911, C901, PLR0912 - one return a kind
    if isinstance(event, FixtureSetUp):
        return "fixtures", f"{event.fixture} ({event.scope})", event.duration_s
    if isinstance(event, FixtureTornDown):
        return "fixtures", f"{event.fixture} torn down", event.duration_s
    if isinstance(event, ExchangeEnded):
        said = f"{event.method} {event.target} → {event.status or event.outcome}"
        return "requests", said + (f", fault {event.fault}" if event.fault else ""), event.ended_s
    if isinstance(event, Decided):
        return "servers", f"{event.server} {event.route}: {event.purpose} {event.asked} came to {event.outcome}", 0.0
    if isinstance(event, ServerChanged):
        return "servers", f"{event.server} {event.change} {event.detail}".rstrip(), 0.0
    if isinstance(event, OperationEnded):
        waited = f", waiting at {event.waited_at}" if event.waited_at else ""
        return "operations", f"{event.name} {event.outcome}{waited}", event.duration_s
    if isinstance(event, TaskEnded):
        return "tasks", f"{event.coroutine} {event.outcome} ({event.task})", event.duration_s
    if isinstance(event, TaskFailed):
        return "tasks", f"{event.task} failed with {event.failure.type} and nobody waited for it", 0.0
    if isinstance(event, LogWritten):
        return "log", f"{event.level} {event.logger}: {event.message}", 0.0
    if isinstance(event, Checkpoint):
        data = ", ".join(f"{name}={value!r}" for name, value in event.data.items())
        return "checkpoints", f"{event.name} {data}".rstrip(), 0.0
    if isinstance(event, StateChanged):
        return "state", f"{event.service}.{event.attribute}: {event.before} → {event.after}", 0.0
    if isinstance(event, FindingReported):
        return "findings", f"{event.level}: {event.finding.title}: {event.finding.subject}", 0.0
    if isinstance(event, FindingMended):
        return "findings", f"{event.finding_kind}: {event.done}", 0.0
    if isinstance(event, DeadlinePassed):
        return "deadlines", f"{event.phase} passed its {event.budget_s:g} s, waiting at {event.waiting_at}", 0.0
    if isinstance(event, HangStep):
        return "deadlines", f"{event.phase} is {event.step}", 0.0
    if isinstance(event, HangEnded):
        return "deadlines", f"{event.phase} was ended: {event.ended_by}", 0.0
    if isinstance(event, OutsideReached):
        return "network", f"{event.means} {event.host}" + (f":{event.port}" if event.port else ""), 0.0
    if isinstance(event, DatabaseOpened):
        return "databases", f"opened {event.database}", 0.0
    if isinstance(event, TestRetried):
        return "retries", f"try {event.attempt} failed; tried again", 0.0
    return "events", event.kind, 0.0
