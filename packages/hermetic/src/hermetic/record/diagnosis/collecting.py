"""
`ErrorDiagnostics`: what happened, collected while it happens, and explained when asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.guard.events import FindingReported
from hermetic.record.diagnosis.judging import diagnose
from hermetic.record.events import FixtureSetUp, OperationEnded, PhaseEnded, StateChanged, TaskFailed, TestBegan
from hermetic.record.journal.reading import Journal
from hermetic.record.run import build
from hermetic.world.http.decisions import ExchangeEnded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermetic.foundation import Event, Finding
    from hermetic.record.diagnosis.model import Diagnosis
    from hermetic.record.failure import Failure
    from hermetic.record.run import Test


class ErrorDiagnostics:
    """
    A sink that keeps the last `most` events and explains them.

    Connect it where events go (`stream.connect(diagnostics)`), or hand it the events of a journal. It keeps values only and is
    bounded, so it may listen for as long as a program runs.
    """

    def __init__(self, events: Iterable[Event] = (), *, most: int = 10_000) -> None:
        if most < 1:
            raise ValueError(f"most={most}: at least one event must be kept")
        self._most = most
        self._events: list[Event] = list(events)[-most:]

    def emit(self, event: Event) -> None:
        self._events.append(event)
        if len(self._events) > 2 * self._most:
            del self._events[: -self._most]

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(self._events[-self._most :])

    @property
    def task_failures(self) -> tuple[Failure, ...]:
        return tuple(one.failure for one in self.events if isinstance(one, TaskFailed))

    @property
    def leaks(self) -> tuple[Finding, ...]:
        return tuple(
            one.finding for one in self.events if isinstance(one, FindingReported) and one.finding.category == "leak"
        )

    @property
    def interactions(self) -> tuple[ExchangeEnded | StateChanged, ...]:
        """
        Requests that mock servers answered, and state of services that changed, in order.
        """
        return tuple(one for one in self.events if isinstance(one, ExchangeEnded | StateChanged))

    @property
    def timings(self) -> tuple[tuple[str, float], ...]:
        """
        What took how many seconds: fixtures, operations and parts of tests, the slowest first.
        """
        found: list[tuple[str, float]] = []
        for one in self.events:
            if isinstance(one, FixtureSetUp):
                found.append((f"fixture {one.fixture}", one.duration_s))
            elif isinstance(one, OperationEnded):
                found.append((f"operation {one.name}", one.duration_s))
            elif isinstance(one, PhaseEnded):
                found.append((f"{one.phase} of {one.test}", one.duration_s))
        return tuple(sorted(found, key=lambda one: -one[1]))

    def tests(self) -> tuple[Test, ...]:
        """
        The tests that the events tell of.
        """
        return build([self._journal()]).tests

    def diagnose(self) -> dict[str, tuple[Diagnosis, ...]]:
        """
        The causes by the node id of each test that failed.
        """
        if not any(isinstance(one, TestBegan) for one in self.events):
            return {}
        run = build([self._journal()])
        return {test.nodeid: found for test in run.tests if (found := diagnose(run, test))}

    def _journal(self) -> Journal:
        events = self.events
        header = {"kind": "journal", "at_s": events[0].at_s if events else 0.0, "started_at": 0.0}
        return Journal(path=Path("memory"), header=header, events=events)
