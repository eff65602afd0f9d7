"""
What the history says about one test, and about the suite.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from hermetic.record.history.comparing import Change, change_point, is_slower_than_usual
from hermetic.record.history.durations import Drift, drift
from hermetic.record.history.intervals import Interval, highest_rate, jeffreys, wilson
from hermetic.record.history.quantiles import median, quantile
from hermetic.record.history.rates import decayed_failure_rate, entropy, flip_rate, spurious_probability
from hermetic.record.history.runs import COUNTING, Run, Try
from hermetic.record.history.sequential import SequentialTest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermetic.record.history.sequential import Judgement

Class: TypeAlias = Literal["stable", "flaky", "broken", "mended", "unknown"]
_WEEK_S = 7 * 86400.0
# Below this no rate is printed as 0 %: so many passes in a row leave 5 % possible.
ENOUGH = 59


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """
    All figures of one test. Rates are failure rates from 0 to 1 unless the name says otherwise; times are seconds.

    `class_` is "flaky" when both outcomes were seen on the same code, "broken" when all tries of the newest version
    failed, and so at least twice, "mended" when only earlier versions failed, "stable" when nothing failed and enough
    was seen, else "unknown". `quantiles_s` are what a pass took: 5 %, 50 % and 95 %; None without any.
    """

    test: str
    tries: int
    failures: int
    class_: Class
    jeffreys: Interval
    wilson: Interval
    highest_rate: float
    flip_rate: float
    entropy: float
    recent_rate: float
    spurious: float
    judgement: Judgement
    passes_left: int
    duration_s: float
    is_slower: bool
    quantiles_s: tuple[float, float, float] | None
    drift: Drift | None
    change: Change | None
    change_at: float
    causes: tuple[tuple[str, int], ...]
    findings: tuple[tuple[str, int], ...]
    strip: str

    @property
    def rate(self) -> float | None:
        """
        None when nothing counted.
        """
        return self.failures / self.tries if self.tries else None

    @property
    def rate_text(self) -> str:
        """
        The rate with its interval; never "0 %" before enough was seen.
        """
        if not self.tries:
            return "never ran"
        interval = f"95 % interval {_percent(self.jeffreys.low)} to {_percent(self.jeffreys.high)}"
        if self.failures == 0 and self.tries < ENOUGH:
            return f"no failure in {_tries(self.tries)}, which leaves up to {_percent(self.highest_rate)} possible"
        return f"fails {_percent(self.failures / self.tries)} of the time ({self.failures} of {self.tries}; {interval})"


def _tries(number: int) -> str:
    return f"{number} tries" if number > 1 else "1 try"


def _percent(rate: float) -> str:
    return f"{100 * rate:.3g} %"


def of_test(
    test: str, seen: Sequence[tuple[Run, Try]], *, now: float, sequential: SequentialTest | None = None
) -> Stability:
    """
    The figures of one test from its tries, oldest first.
    """
    sequential = sequential or SequentialTest()
    counting = [(run, one) for run, one in seen if one.outcome in COUNTING]
    passed = [one.did_pass for _, one in counting]
    failures = passed.count(False)
    timed = [(run.at, one.duration_s) for run, one in counting if one.did_pass]
    durations = [seconds for _, seconds in timed]
    change = change_point(passed)
    return Stability(
        test=test,
        tries=len(passed),
        failures=failures,
        class_=_class(counting, sequential),
        jeffreys=jeffreys(failures, len(passed)),
        wilson=wilson(failures, len(passed)),
        highest_rate=highest_rate(len(passed)),
        flip_rate=flip_rate(passed),
        entropy=entropy(passed),
        recent_rate=decayed_failure_rate(
            ((run.at, one.did_pass) for run, one in counting), now=now, half_life_s=_WEEK_S
        ),
        spurious=spurious_probability((run.code, one.did_pass) for run, one in counting),
        judgement=sequential.judge(failures=failures, passes=len(passed) - failures),
        passes_left=sequential.passes_left(failures=failures, passes=len(passed) - failures),
        duration_s=median(durations) if durations else 0.0,
        is_slower=bool(durations) and is_slower_than_usual(durations[-1], durations[:-1]),
        quantiles_s=(quantile(durations, 0.05), quantile(durations, 0.5), quantile(durations, 0.95)) if timed else None,
        drift=drift(timed),
        change=change,
        change_at=counting[change.at][0].at if change is not None else 0.0,
        causes=tuple(Counter(one.cause for _, one in counting if one.cause).most_common()),
        findings=tuple(Counter(kind for _, one in seen for kind in one.findings).most_common()),
        strip="".join(_LETTERS[one.outcome] for _, one in seen[-20:]),
    )


_LETTERS = {"passed": ".", "failed": "F", "error": "E", "skipped": "s", "xfailed": "x", "xpassed": "X", "lost": "L"}


def _class(counting: Sequence[tuple[Run, Try]], sequential: SequentialTest) -> Class:
    by_code: defaultdict[str, list[bool]] = defaultdict(list)
    for run, one in counting:
        by_code[run.code].append(one.did_pass)
    if any(len(set(outcomes)) == 2 for code, outcomes in by_code.items() if code):
        return "flaky"
    failed = [code for code, outcomes in by_code.items() if not all(outcomes)]
    newest = by_code[counting[-1][0].code] if counting else []
    if newest and not any(newest) and len(newest) > 1:
        return "broken"
    if failed and newest and all(newest):
        return "mended"
    passes = len(counting)
    if not failed and sequential.judge(failures=0, passes=passes) == "stable":
        return "stable"
    return "unknown"
