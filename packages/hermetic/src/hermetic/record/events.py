"""
What the record itself writes about a run: its tests, their parts, and what happened in them.

Guard and world add their own: findings (`hermetic.guard.events`), deadlines (`hermetic.guard.deadlines.events`) and the
ledger of mock servers (`hermetic.world.http.decisions`). Whatever stands in a journal between the start of a test and the
next one's start in the same process belongs to that test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from hermetic.foundation.events import Event
from hermetic.record.failure import Failure  # noqa: TC001 - readers ask for the types of fields


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBegan(Event):
    """
    Tests have been collected; `tests` is how many will run, in this process or in all workers together.
    """

    kind: ClassVar[str] = "run.began"

    tests: int
    deselected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionFailed(Event):
    """
    A file that could not be collected, so that none of its tests ran.
    """

    kind: ClassVar[str] = "run.collection_failed"

    node: str
    text: str
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """
    pytest came to its end. `status` is its exit status. `stopped` names the option that ended the run before its last
    test ("maxfail"), empty when none did. `gates` are conditions that plugins put on the whole run and that were not met, by
    the name of the option.
    """

    kind: ClassVar[str] = "run.ended"

    status: int
    stopped: str = ""
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TestBegan(Event):
    """
    A test begins, before its fixtures. `test` is its node id; `file` and `line` say where it stands.
    """

    __test__: ClassVar[bool] = False
    kind: ClassVar[str] = "test.began"

    test: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEnded(Event):
    """
    A part of a test has ended.

    `phase` is setup, call or teardown; `outcome` is pytest's own (passed, failed, skipped, or rerun for a try that will be
    repeated). `is_expected_to_fail` says that the test is marked xfail. `text` is the failure as pytest shows it, or the
    reason of a skip; `output` are the captured parts by title. `name` tells a subtest apart.
    """

    kind: ClassVar[str] = "test.phase"

    test: str
    phase: str
    outcome: str
    duration_s: float
    is_expected_to_fail: bool = False
    text: str = ""
    failure: Failure | None = None
    output: tuple[tuple[str, str], ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPassed(Event):
    """
    All three parts of a test passed and nothing else is to be told of them: what journals hold in place of three `PhaseEnded`,
    and readers take apart into them.

    `ended_s` are the moments at which setup, call and teardown ended, `took_s` how long each took; `at_s` is the last moment.
    """

    __test__: ClassVar[bool] = False
    kind: ClassVar[str] = "test.passed"

    test: str
    ended_s: tuple[float, float, float]
    took_s: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRetried(Event):
    """
    A try has failed and will be repeated: what comes from here on belongs to the next one. `attempt` is the number of the
    try that failed, from 1.
    """

    __test__: ClassVar[bool] = False
    kind: ClassVar[str] = "test.retried"

    test: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestLost(Event):
    """
    A test whose process died while it ran; written by the process that was left.
    """

    __test__: ClassVar[bool] = False
    kind: ClassVar[str] = "test.lost"

    test: str
    worker: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureSetUp(Event):
    """
    A fixture has its value. `duration_s` includes what the fixtures that it asked for took.
    """

    kind: ClassVar[str] = "fixture.set_up"

    fixture: str
    scope: str
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureTornDown(Event):
    """
    A fixture has been torn down.
    """

    kind: ClassVar[str] = "fixture.torn_down"

    fixture: str
    scope: str
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWritten(Event):
    """
    A record of the standard library's logging.
    """

    kind: ClassVar[str] = "log"

    logger: str
    level: str
    message: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningIssued(Event):
    """
    A warning that pytest recorded. `test` is empty for one outside tests.
    """

    kind: ClassVar[str] = "warning"

    test: str
    category: str
    message: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint(Event):
    """
    A place that the test's own code named, with the values it gave.
    """

    kind: ClassVar[str] = "checkpoint"

    name: str
    context: str = ""
    data: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationBegan(Event):
    """
    An operation that the test's own code named has begun; `number` tells two of one name apart in a process.
    """

    kind: ClassVar[str] = "operation.began"

    name: str
    number: int
    context: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationEnded(Event):
    """
    It has ended: `outcome` is succeeded, failed, cancelled or timed out; `waited_at` is where it waited then.
    """

    kind: ClassVar[str] = "operation.ended"

    name: str
    number: int
    outcome: str
    duration_s: float
    failure: Failure | None = None
    waited_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged(Event):
    """
    An attribute of a service that is tracked has another value than before; values as text.
    """

    kind: ClassVar[str] = "service.state"

    service: str
    attribute: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailed(Event):
    """
    A task ended with an exception that nobody awaited at that moment.
    """

    kind: ClassVar[str] = "task.failed"

    task: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnded(Event):
    """
    An asyncio task that began in this test has ended: `outcome` is succeeded, failed or cancelled; `coroutine` is the
    function that it ran.
    """

    kind: ClassVar[str] = "task.ended"

    task: str
    coroutine: str
    outcome: str
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcesSampled(Event):
    """
    What the process had at this moment: resident memory in bytes, file descriptors (0 where the system does not tell), and
    threads that Python knows.
    """

    kind: ClassVar[str] = "resources.sampled"

    memory_bytes: int
    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTry:
    """
    One try of an earlier run: the seed of its order, empty when there was none; its place among the tests of its process,
    from 1; and whether it passed.
    """

    seed: str
    position: int
    did_pass: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PastKnown(Event):
    """
    What the history knew, when this run ended, of a test that did not pass in it.

    `strip` are the outcomes of the last tries, a letter each, newest last; `judged` is the history's class for it, and
    `rate` how often it fails, as text. `passed` and `failed` count the tries with that outcome in a row at the end; one of
    them is 0. `since_at` is when that row began, in seconds since the epoch, and `since_code` the version of the code then.
    `tries` are those on the newest version of the code, oldest first.
    """

    kind: ClassVar[str] = "history.test"

    test: str
    strip: str
    judged: str
    rate: str
    passed: int
    failed: int
    since_at: float
    since_code: str
    tries: tuple[PastTry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuitePast(Event):
    """
    What the history knew of the suite: how many runs and tests, how many of these have both passed and failed, how long the
    last runs of about this size took, oldest first, and which tests did not pass in the newest run. `asked` is how many
    tests of this run it was asked about.
    """

    kind: ClassVar[str] = "history.suite"

    runs: int
    tests: int
    unsteady: int
    durations_s: tuple[float, ...] = ()
    failed_last: tuple[str, ...] = ()
    asked: int = 0
