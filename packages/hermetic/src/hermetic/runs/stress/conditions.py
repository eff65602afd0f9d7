"""
What can be different from run to run, one thing at a time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# How a condition is brought about: by a setting of the process, by tests that run before, by a new interpreter.
Means: TypeAlias = Literal["setting", "order", "interpreter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    What is known when settings are made: how long the test takes in calm surroundings, and the real time when it began.
    """

    duration_s: float
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """
    One thing that varies.

    Args:
        name: as `--only` takes it.
        title: as it is told, to go after "decided by".
        calm: what holding it still means, to go after "with".
        remedy: what to do about a test that depends on it.
        uses: what a test must have used for the condition to matter to it; "" if that cannot be told.
        vary: the setting of the n-th run, from 1 on.
        means: how it is brought about.
        is_exact: the same setting gives the same outcome, so that a failure can be asked to come again.
        load: how many other processes compute (`cpu`) or write (`disk`).
        has_turns: the process is stopped again and again.
        is_provoked: it does not come about by itself: a test that always fails under it is sensitive, not flaky.
    """

    name: str
    title: str
    calm: str
    remedy: str
    uses: str = ""
    vary: Callable[[int, Facts], dict[str, Any]] = lambda n, facts: {}  # noqa: ARG005 - most conditions have settings
    means: Means = "setting"
    is_exact: bool = False
    load: Mapping[str, int] | None = None
    has_turns: bool = False
    is_provoked: bool = False

    @property
    def is_slow(self) -> bool:
        """
        Whether what it does is to let things take longer.
        """
        return self.name in {"cpu", "io", "lag", "disk"}


# So that no clock ticks over within a short test, and the same numbers are drawn each time.
CALM: dict[str, Any] = {"random": 0, "fraction": 0.1}
# By how much waits and timeouts are multiplied to see whether a failure is one of time.
WAITS = 10.0
# In POSIX form, which needs no files: UTC, +14, -11, half an hour off, and two with summer time.
ZONES = ("UTC0", "LINT-14", "SST11", "IST-5:30", "EST5EDT,M3.2.0,M11.1.0", "CET-1CEST,M3.5.0,M10.5.0/3")


def quiet_day(now: float) -> float:
    """
    Half past ten on a Wednesday in the middle of a month, after `now`; both in seconds since the epoch.
    """
    day = datetime.fromtimestamp(now, UTC).replace(hour=10, minute=30, second=7, microsecond=0)
    while not (day.weekday() == 2 and 10 <= day.day <= 20):
        day += timedelta(days=1)
    return day.timestamp()


def calms(now: float) -> list[dict[str, Any]]:
    """
    Calm surroundings to begin with, the usual first: a test that never passes in one may pass in another.
    """
    quiet = {"at": quiet_day(now), "fraction": 0.1}
    return [CALM, {**CALM, "random": 1}, {"random": 2, **quiet}, {"random": 3, "fraction": 0.4}, {"random": 0}]


def _edge(n: int, facts: Facts) -> dict[str, Any]:
    # The second ends somewhere within the test.
    return {"fraction": 1.0 - random.Random(n).uniform(0.0, min(max(facts.duration_s, 1e-4), 0.8))}  # noqa: S311 - a place in time


def _step(n: int, facts: Facts) -> dict[str, Any]:
    draw = random.Random(n)  # noqa: S311 - as above
    return {"step": [draw.uniform(0.0, max(facts.duration_s, 1e-4)), draw.choice((-1.0, -3600.0, 3600.0))]}


def _day(n: int, facts: Facts) -> dict[str, Any]:
    here = datetime.fromtimestamp(facts.now, UTC)
    year = here.year + (here.month > 6)
    leap = year + (-year % 4)
    moments = [
        datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(leap, 2, 29, 12, tzinfo=UTC),
        datetime(year, 1, 31, 12, tzinfo=UTC),
        datetime(year, 3, 31, 23, 30, tzinfo=UTC),
        datetime(year, 1, 1, 0, 0, 1, tzinfo=UTC),
        datetime(year, 2, 28, 12, tzinfo=UTC),
        datetime(year, 10, 31, 12, tzinfo=UTC),
        # The hour that is twice or not at all where summer time begins and ends on those days.
        datetime(2027, 3, 14, 6, 59, 59, tzinfo=UTC),
        datetime(2027, 11, 7, 5, 30, tzinfo=UTC),
        datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
        *(here.replace(hour=12) + timedelta(days=days) for days in range(7)),
        *(here.replace(hour=hour, minute=59, second=59) for hour in (0, 6, 18, 23)),
    ]
    moment = moments[(n - 1) % len(moments)]
    if n > len(moments):  # then any day of four years, at any time
        moment = here + timedelta(seconds=random.Random(n).uniform(0.0, 4 * 365.25 * 86400))  # noqa: S311 - as above
    setting: dict[str, Any] = {"at": moment.timestamp()}
    # Only to end a day within the test does the fraction of the second matter.
    setting["fraction"] = 1.0 - min(max(facts.duration_s, 1e-4), 0.8) / 2 if moment.second == 59 and n % 2 else 0.1
    if moment.year == 2027 and moment.month in {3, 11} and n <= len(moments):
        setting["zone"] = ZONES[4]
    return setting


CONDITIONS: tuple[Condition, ...] = (
    Condition(
        name="random",
        title="random numbers",
        calm="the same random numbers each time",
        remedy="Give the code a generator with a seed, or assert what holds for every draw.",
        uses="random",
        vary=lambda n, _: {"random": n},
        is_exact=True,
    ),
    Condition(
        name="clock",
        title="where a second ends",
        calm="no second that ends within the test",
        remedy="Read the clock once and pass the moment on, or give the code a clock of the test's own.",
        uses="clock",
        vary=_edge,
        is_exact=True,
    ),
    Condition(
        name="step",
        title="a wall clock that is set while it runs",
        calm="a clock that only goes forward",
        remedy="Measure durations with time.monotonic(), which is never set.",
        uses="clock",
        vary=_step,
        is_exact=True,
        is_provoked=True,
    ),
    Condition(
        name="date",
        title="the date or the time of day",
        calm="today's date",
        remedy="Fix the moment in the test, and test month ends, leap days and midnight by name.",
        uses="clock",
        vary=_day,
        is_exact=True,
    ),
    Condition(
        name="zone",
        title="the time zone",
        calm="this machine's time zone",
        remedy="Use aware datetimes in UTC, or set TZ in the test.",
        uses="clock",
        vary=lambda n, _: {"zone": ZONES[n % len(ZONES)]},
        is_exact=True,
    ),
    Condition(
        name="ports",
        title="a port that another program has",
        calm="every port free",
        remedy="Bind port 0 and ask the socket which port it got.",
        uses="ports",
        vary=lambda n, _: {"ports": True, "random": n},
        is_exact=True,
        is_provoked=True,
    ),
    Condition(
        name="files",
        title="few file descriptors",
        calm="the usual limit of descriptors",
        remedy="Close what is opened, or bound how many are open at once; ulimit -n says what there are.",
        vary=lambda n, _: {"files": (64, 32, 16)[n % 3], "random": n},
        uses="files",
        is_exact=True,
        is_provoked=True,
    ),
    Condition(
        name="tasks",
        title="the order in which asynchronous tasks go on",
        calm="asyncio's own order of tasks",
        remedy="Guard what tasks share across an await with a lock; hermetic stress --interleave shows the switch that fails.",
        uses="tasks",
        vary=lambda n, _: {"interleave": n},
        is_exact=True,
    ),
    Condition(
        name="order",
        title="which tests run before it",
        calm="no other test before it",
        remedy="hermetic bisect names the test that does it, and the line.",
        means="order",
        is_exact=True,
    ),
    Condition(
        name="threads",
        title="when threads take turns",
        calm="threads that take turns every 5 ms",
        remedy="Guard what threads share with a lock, or wait for what another thread does instead of assuming it.",
        uses="threads",
        vary=lambda n, _: {"switch": (1e-6, 1e-5, 1e-4)[n % 3]},
        is_provoked=True,
    ),
    Condition(
        name="disk",
        title="a slow disk",
        calm="the disk as it is",
        remedy="Wait for the file's content instead of for a time.",
        uses="files",
        vary=lambda n, _: {"disk": 0.02, "random": n},
        is_provoked=True,
    ),
    Condition(
        name="lag",
        title="an event loop that is held up",
        calm="an event loop of its own",
        remedy="Wait for the event itself; a deadline in a test is for what hangs, not for what is slow.",
        uses="loop",
        vary=lambda n, _: {"lag": n},
        is_provoked=True,
    ),
    Condition(
        name="cpu",
        title="a busy machine",
        calm="a processor of its own",
        remedy="Wait for the condition instead of for a time, and leave limits of speed to a benchmark.",
        uses="time",
        load={"cpu": 2},
        has_turns=True,
        is_provoked=True,
    ),
    Condition(
        name="io",
        title="a disk that is written all the time",
        calm="a quiet disk",
        remedy="Wait for the file's content instead of for a time.",
        uses="files",
        load={"disk": 2},
        is_provoked=True,
    ),
    Condition(
        name="hash",
        title="the hash seed",
        calm="PYTHONHASHSEED=0",
        remedy="Sort what comes out of a set before it is compared or shown.",
        means="interpreter",
        is_exact=True,
    ),
)
NAMES = tuple(condition.name for condition in CONDITIONS)
# The most telling first: of several conditions that change the rate, the earlier in this list explains the later.
SPECIFIC = (
    # A day ends when a second does, so the end of a second explains a failure at midnight, and not the other way round.
    *("hash", "random", "clock", "date", "zone", "step", "ports", "files", "tasks", "order"),
    *("threads", "disk", "lag", "io", "cpu"),
)
