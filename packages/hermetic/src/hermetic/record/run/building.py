"""
Puts journals together to a run: whose event is whose, which tries a test had, and what came of it.

Within one process, what stands between the beginnings of two tests belongs to the first. Moments of several processes are
laid side by side by each journal's own pair of clocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermetic.record.events import (
    CollectionFailed,
    PastKnown,
    PhaseEnded,
    ResourcesSampled,
    RunBegan,
    RunEnded,
    SuitePast,
    TestBegan,
    TestLost,
    TestRetried,
    WarningIssued,
)
from hermetic.record.run.model import Phase, Run, Test, Try, Worker
from hermetic.record.run.outcomes import BAD, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hermetic.foundation import Event
    from hermetic.record.journal.reading import Journal

_RANK: dict[Outcome, int] = {
    "passed": 0, "xfailed": 1, "skipped": 1, "xpassed": 2, "flaky": 3, "error": 4, "failed": 5, "lost": 6,
}  # fmt: skip


@dataclass(slots=True)
class _Draft:
    # A try that is being put together.
    worker: str
    began_s: float
    phases: list[Phase] = field(default_factory=list[Phase])
    events: list[tuple[float, Event]] = field(default_factory=list["tuple[float, Event]"])
    lost: str | None = None

    def done(self, *, is_over: bool) -> Try:
        outcomes: list[Outcome] = [_phase_outcome(phase) for phase in self.phases]
        outcome = self._worst(outcomes)
        is_whole = is_over or any(phase.name == "teardown" for phase in self.phases) or self.is_repeated
        text = self.lost or ""
        if self.lost is not None or not is_whole:
            outcome, text = "lost", text or "its process ended while this test ran"
        last = self.events[-1][0] if self.events else self.began_s
        return Try(
            outcome=outcome,
            began_s=self.began_s,
            duration_s=sum(phase.duration_s for phase in self.phases) if is_whole else max(0.0, last - self.began_s),
            worker=self.worker,
            phases=tuple(self.phases),
            events=tuple(self.events),
            text=text,
        )

    @staticmethod
    def _worst(outcomes: list[Outcome]) -> Outcome:
        worst: Outcome = "passed"
        for one in outcomes:
            if _RANK[one] > _RANK[worst]:
                worst = one
        return worst

    @property
    def is_repeated(self) -> bool:
        return any(phase.is_repeated for phase in self.phases)


def _phase_outcome(phase: Phase) -> Outcome:
    if phase.is_expected_to_fail:
        return "xfailed" if phase.outcome == "skipped" else "xpassed" if phase.outcome == "passed" else "failed"
    if phase.outcome == "skipped":
        return "skipped"
    if phase.outcome == "passed":
        return "passed"
    return "failed" if phase.name == "call" else "error"


class _Builder:
    def __init__(self, journals: Sequence[Journal]) -> None:
        self._journals = journals
        self._zero = min(float(one.header.get("started_at", 0.0)) for one in journals)
        self._tries: dict[str, list[_Draft]] = {}
        self._places: dict[str, tuple[str, int]] = {}
        self._collection: dict[str, str] = {}
        self._warnings: list[tuple[str, str, str, str]] = []
        self._lost: list[TestLost] = []
        self._expected: list[int] = []
        self._ends: list[RunEnded] = []
        self._workers: list[Worker] = []
        self._past: dict[str, PastKnown] = {}
        self._suite_past: SuitePast | None = None

    def run(self) -> Run:
        for journal in self._journals:
            self._take(journal)
        for lost in self._lost:
            self._mark_lost(lost)
        first = self._journals[0]
        workers = sorted(self._workers, key=lambda one: (one.began_s, one.name))
        end = self._ends[-1] if self._ends else None
        return Run(
            id=first.run,
            began_at=self._zero,
            duration_s=max((one.ended_s for one in workers), default=0.0),
            tests=tuple(self._test(nodeid) for nodeid in sorted(self._tries)),
            workers=tuple(workers),
            expected=max(self._expected, default=len(self._tries)),
            status=None if end is None else end.status,
            stopped="" if end is None else end.stopped,
            gates=() if end is None else end.gates,
            collection_failures=tuple(sorted(self._collection.items())),
            warnings=tuple(dict.fromkeys(self._warnings)),
            environment={
                name: first.header[name]
                for name in ("hermetic", "python", "platform", "root", "arguments")
                if name in first.header
            },
            problems=tuple(problem for one in self._journals for problem in one.problems),
            past=self._past,
            suite_past=self._suite_past,
        )

    # ------------------------------------------------------------ one journal

    def _take(self, journal: Journal) -> None:
        def since(event: Event) -> float:
            return round(max(0.0, journal.wall(event.at_s) - self._zero), 6)

        name = journal.worker or "main"
        draft: _Draft | None = None
        began = float(journal.header.get("started_at", self._zero)) - self._zero
        sampled: ResourcesSampled | None = None
        for event in journal.events:
            if isinstance(event, ResourcesSampled):
                sampled = event
            if isinstance(event, TestBegan):
                draft = self._begin(event.test, name, since(event))
                if sampled is not None:  # what a test's own samples are compared with
                    draft.events.append((since(sampled), sampled))
                self._places.setdefault(event.test, (event.file, event.line))
            elif not self._is_of_run(event) and draft is not None:
                draft = self._put(event, draft, name, since(event))
        ended = since(journal.events[-1]) if journal.events else began
        if not (journal.worker == "" and len(self._journals) > 1 and draft is None):
            pid, host = journal.header.get("pid", 0), str(journal.header.get("host", ""))
            self._workers.append(
                Worker(
                    name=name, host=host, pid=pid if isinstance(pid, int) else 0, began_s=round(began, 6), ended_s=ended
                )
            )

    def _begin(self, nodeid: str, worker: str, at_s: float) -> _Draft:
        draft = _Draft(worker=worker, began_s=at_s)
        self._tries.setdefault(nodeid, []).append(draft)
        return draft

    def _put(self, event: Event, draft: _Draft, worker: str, at_s: float) -> _Draft:
        # The draft to which the next event belongs.
        if isinstance(event, TestRetried):
            draft.events.append((at_s, event))
            return self._begin(event.test, worker, at_s)
        if isinstance(event, PhaseEnded):
            # What is told of a failed try after it is known that another follows still belongs to the failed one.
            before = self._tries[event.test][-2:-1] if not draft.phases and event.phase == "teardown" else []
            told = before[0] if before and before[0].worker == worker else draft
            self._phase(event, told, at_s)
            told.events.append((at_s, event))
            return draft
        draft.events.append((at_s, event))
        return draft

    @staticmethod
    def _phase(event: PhaseEnded, draft: _Draft, at_s: float) -> None:
        draft.phases.append(
            Phase(
                name=event.phase,
                outcome=event.outcome,
                began_s=round(max(0.0, at_s - event.duration_s), 6),
                duration_s=event.duration_s,
                text=event.text,
                failure=event.failure,
                output=event.output,
                is_expected_to_fail=event.is_expected_to_fail,
                subtest=event.name,
            )
        )

    def _is_of_run(self, event: Event) -> bool:
        if isinstance(event, RunBegan):
            self._expected.append(event.tests)
        elif isinstance(event, RunEnded):
            self._ends.append(event)
        elif isinstance(event, CollectionFailed):
            self._collection[event.node] = event.text
        elif isinstance(event, TestLost):
            self._lost.append(event)
        elif isinstance(event, PastKnown):
            self._past[event.test] = event
        elif isinstance(event, SuitePast):
            self._suite_past = event
        elif isinstance(event, WarningIssued):
            place = f"{event.file}:{event.line}"
            self._warnings.append((event.category, event.message, place, event.test))
        else:
            return False
        return True

    # ------------------------------------------------------------ tests

    def _mark_lost(self, lost: TestLost) -> None:
        drafts = self._tries.get(lost.test)
        draft = drafts[-1] if drafts else self._begin(lost.test, lost.worker or "main", 0.0)
        draft.lost = lost.text or "its process ended while this test ran"

    def _test(self, nodeid: str) -> Test:
        drafts = sorted(self._tries[nodeid], key=lambda one: one.began_s)
        # Of the tries that several processes made, only the last can still have been running when its process ended.
        tries = tuple(one.done(is_over=False) for one in drafts)
        file, line = self._places.get(nodeid, (nodeid.partition("::")[0], 0))
        return Test(nodeid=nodeid, file=file, line=line, tries=tries, outcome=_outcome(tries))


def _outcome(tries: Sequence[Try]) -> Outcome:
    last = tries[-1].outcome
    if last == "passed" and any(one.outcome in BAD for one in tries[:-1]):
        return "flaky"
    return last


def build(journals: Iterable[Journal]) -> Run:
    """
    The run that these journals tell of together: those of one run, or the shards of one on several machines.

    Raises:
        ValueError: there are none.
    """
    given = list(journals)
    if not given:
        raise ValueError("a run is built from at least one journal")
    return _Builder(given).run()
