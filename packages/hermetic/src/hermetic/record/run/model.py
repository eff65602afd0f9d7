"""
Runs, tests and tries. A test is one test in every format, however often it was tried; its tries are tries.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hermetic.guard.events import FindingMended, FindingReported
from hermetic.record.events import TaskFailed
from hermetic.record.run.outcomes import BAD, OUTCOMES

if TYPE_CHECKING:
    from hermetic.foundation import Event, Finding
    from hermetic.record.events import PastKnown, SuitePast
    from hermetic.record.failure import Failure
    from hermetic.record.run.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """
    A part of one try. Times are seconds since the run began.
    """

    name: str
    outcome: str
    began_s: float
    duration_s: float
    text: str = ""
    failure: Failure | None = None
    output: tuple[tuple[str, str], ...] = ()
    is_expected_to_fail: bool = False
    subtest: str = ""

    @property
    def is_repeated(self) -> bool:
        """
        Whether it failed and another try follows: "rerun" is our word and pytest-rerunfailures', "retried" pytest-retry's.
        """
        return self.outcome in {"rerun", "retried"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """
    One time that a test ran. `events` are all that happened in it, in order, with the moment of each in seconds since the
    run began.
    """

    outcome: Outcome
    began_s: float
    duration_s: float
    worker: str
    phases: tuple[Phase, ...] = ()
    events: tuple[tuple[float, Event], ...] = ()
    text: str = ""

    @property
    def bad_phase(self) -> Phase | None:
        """
        The part that decided against it: the call's if that failed.
        """
        bad = [phase for phase in self.phases if phase.outcome == "failed" or phase.is_repeated]
        return next((phase for phase in bad if phase.name == "call"), bad[0] if bad else None)

    @property
    def failure(self) -> Failure | None:
        phase = self.bad_phase
        return None if phase is None else phase.failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """
    One test: its node id, where it stands, and its tries in order.
    """

    __test__ = False

    nodeid: str
    file: str
    line: int
    tries: tuple[Try, ...]
    outcome: Outcome

    @property
    def is_bad(self) -> bool:
        return self.outcome in BAD

    @property
    def last(self) -> Try:
        return self.tries[-1]

    @property
    def telling(self) -> Try:
        """
        The try to look at: the last one, of a flaky test the last one that failed.
        """
        if self.outcome == "flaky":
            return next((one for one in reversed(self.tries) if one.outcome in BAD), self.last)
        return self.last

    @property
    def duration_s(self) -> float:
        return sum(one.duration_s for one in self.tries)

    @property
    def findings(self) -> tuple[tuple[str, Finding], ...]:
        """
        What the guard found, with the level that policy gave it.
        """
        return tuple(
            (event.level, event.finding)
            for one in self.tries
            for _, event in one.events
            if isinstance(event, FindingReported)
        )

    @property
    def task_failures(self) -> tuple[Failure, ...]:
        return tuple(event.failure for one in self.tries for _, event in one.events if isinstance(event, TaskFailed))

    @property
    def text(self) -> str:
        """
        Its failure as pytest showed it, or the reason for which it was skipped.
        """
        one = self.telling
        texts = [phase.text for phase in one.phases if phase.text]
        return "\n\n".join([one.text, *texts] if one.text else texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """
    One process of the run: when it worked, in seconds since the run began, and where.
    """

    name: str
    host: str
    pid: int
    began_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Counts:
    """
    How many tests came to what: the same numbers in every format.
    """

    by_outcome: dict[Outcome, int]

    @property
    def total(self) -> int:
        return sum(self.by_outcome.values())

    @property
    def bad(self) -> int:
        return sum(self.by_outcome.get(outcome, 0) for outcome in ("lost", "error", "failed"))

    def of(self, outcome: Outcome) -> int:
        return self.by_outcome.get(outcome, 0)

    def words(self) -> str:
        """
        "3 failed, 1 flaky, 20 passed": what there is, the worst first.
        """
        return ", ".join(f"{self.of(one)} {one}" for one in OUTCOMES if self.of(one)) or "no tests"


@dataclass(frozen=True, kw_only=True)
class Run:
    """
    All that is known of one run. `expected` is how many tests were to run; `status` is pytest's exit status, None when it
    never came to its end. `past` is what the history knew of tests that did not pass, by node id, and `suite_past` what it knew
    of all together.
    """

    id: str
    began_at: float
    duration_s: float
    tests: tuple[Test, ...]
    workers: tuple[Worker, ...]
    expected: int
    status: int | None
    stopped: str = ""
    gates: tuple[str, ...] = ()
    collection_failures: tuple[tuple[str, str], ...] = ()
    warnings: tuple[tuple[str, str, str, str], ...] = ()
    environment: dict[str, Any] = field(default_factory=dict[str, Any])
    problems: tuple[str, ...] = ()
    past: dict[str, PastKnown] = field(default_factory=dict[str, "PastKnown"])
    suite_past: SuitePast | None = None

    @cached_property
    def counts(self) -> Counts:
        found = Counter(test.outcome for test in self.tests)
        return Counts({outcome: found[outcome] for outcome in OUTCOMES if found[outcome]})

    @cached_property
    def stains_left(self) -> tuple[tuple[str, Try, Finding], ...]:
        """
        State that a test changed and nobody put back: the test's node id, the try, and the finding. What was put back cannot be
        suffered from. Looked up once a run, since every failure asks for it.
        """
        found: list[tuple[str, Try, Finding]] = []
        for test in self.tests:
            for one in test.tries:
                for index, (_, event) in enumerate(one.events):
                    if not isinstance(event, FindingReported) or event.finding.category != "stain":
                        continue
                    after = one.events[index + 1][1] if index + 1 < len(one.events) else None
                    if not (isinstance(after, FindingMended) and after.is_mended):
                        found.append((test.nodeid, one, event.finding))
        return tuple(found)

    @property
    def root(self) -> str:
        """
        The directory of the project where it ran, empty when the journal does not say.
        """
        return str(self.environment.get("root", ""))

    @property
    def not_run(self) -> int:
        """
        How many tests had been collected and never began.
        """
        return max(0, self.expected - len(self.tests))

    def test(self, nodeid: str) -> Test | None:
        return next((test for test in self.tests if test.nodeid == nodeid), None)
