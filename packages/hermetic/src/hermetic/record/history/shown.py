"""
The history as text for a terminal and as JSON.
"""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermetic.record.history.stability import Stability
    from hermetic.record.history.store import HistoryStore
    from hermetic.record.history.suite import SuiteStability

_SHOWN = 20
_GROUPS = 5


def suite_text(store: HistoryStore) -> str:
    """
    What there is to say of the whole suite: flaky tests, what fails together and why, and names that seem to have changed.
    """
    suite = store.suite()
    if not suite.runs:
        return "The history has no runs yet."
    lines = [
        f"{suite.runs} runs of {suite.tests} tests",
        f"{100 * suite.trusted:.3g} % of the tests pass in more than 95 of 100 tries",
        *_flaky(suite),
        *_causes(suite),
        *_together(suite),
        *_renamed(suite),
    ]
    return "\n".join(lines)


def _flaky(suite: SuiteStability) -> Iterator[str]:
    if not suite.flaky:
        yield "no test was seen to pass and fail on the same code"
        return
    yield (
        f"{len(suite.flaky)} flaky: they make {percent(suite.spuriously_red)} of the runs red although nothing is "
        f"broken, and have cost {suite.minutes_lost:.1f} minutes"
    )
    worst = sorted(suite.flaky, key=lambda name: -suite.rates[name][0] / suite.rates[name][1])
    for name in worst[:_SHOWN]:
        failed, count = suite.rates[name]
        yield f"  {failed:>4} of {count:<5} {name}"
    if len(worst) > _SHOWN:
        yield f"  … and {len(worst) - _SHOWN} more"
    yield "hermetic history NAME tells more of one."


def _causes(suite: SuiteStability) -> Iterator[str]:
    if suite.causes:
        yield "failures of the newest 100 runs by cause"
    for one in suite.causes:
        tests = "1 test" if one.tests == 1 else f"{one.tests} tests"
        nature = " (infrastructure)" if one.nature == "infrastructure" else ""
        yield f"  {one.failures:>4} in {tests:<10} {one.said or 'cause'}{nature}  [{one.name}]"


def _together(suite: SuiteStability) -> Iterator[str]:
    for group in suite.groups[:_GROUPS]:
        yield f"{len(group)} tests fail together, mostly for one cause"
        yield from (f"  {name}" for name in group[:_SHOWN])
        if len(group) > _SHOWN:
            yield f"  … and {len(group) - _SHOWN} more"


def _renamed(suite: SuiteStability) -> Iterator[str]:
    if suite.renamed:
        yield "renamed? Then the new name takes the old one's past with"
    for one in suite.renamed:
        yield f"  hermetic history rename {shlex.quote(one.old)} {shlex.quote(one.new)}"


def suite_json(store: HistoryStore) -> str:
    return json.dumps(asdict(store.suite()), indent=1)


def test_text(test: str, store: HistoryStore, *, now: float) -> str:
    """
    What is known of one test, the most useful first.
    """
    from hermetic.record.history.stability import of_test  # noqa: PLC0415 - the suite's figures do without it

    seen = store.of(test)
    one = of_test(test, seen, now=now)
    lines = [test, f"  {one.class_}: {one.rate_text}", f"  newest {one.strip}"]
    if one.failures:
        # Of what fails on the code of now each time, none is.
        spurious = "" if one.class_ == "broken" else f"a next failure is spurious with probability {one.spurious:.2g}; "
        lines.append(
            f"  {spurious}{percent(one.flip_rate)} of neighbouring runs differ; rate of late {percent(one.recent_rate)}"
        )
    if one.change is not None:
        day = time.strftime("%Y-%m-%d", time.gmtime(one.change_at))
        before, after = one.change.rate_before, one.change.rate_after
        lines.append(f"  its rate changed on {day}, from {percent(before)} to {percent(after)}")
    if one.judgement == "open" and one.passes_left:
        lines.append(f"  {one.passes_left} more passes in a row would make it stable: hermetic history counts them")
    lines += [f"  {line}" for line in _durations(one)]
    said = {own.cause: (own.said, own.nature) for _, own in seen if own.cause}
    for cause, count in one.causes[:5]:
        text, nature = said[cause]
        others = store.others(cause, but=test)
        more = f"; also in {others[0]}" + (f" and {len(others) - 1} more" if len(others) > 1 else "") if others else ""
        lines.append(f"  {_times(count)} {text or 'cause'}{' (' + nature + ')' if nature else ''} [{cause}]{more}")
    lines += [f"  finding {kind}: {_times(count)}" for kind, count in one.findings[:5]]
    lines.append(f"  run again: pytest {shlex.quote(test)}")
    return "\n".join(lines)


def percent(share: float) -> str:
    """
    "12 %", "0.5 %": two figures, and never as a power of ten.
    """
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _durations(one: Stability) -> Iterator[str]:
    if one.quantiles_s is None:
        return
    slower = ", slower than usual" if one.is_slower else ""
    low, middle, high = (1000 * seconds for seconds in one.quantiles_s)
    yield f"takes {middle:.3g} ms, nine times in ten {low:.3g} to {high:.3g} ms{slower}"
    if one.drift is not None:
        yield (
            f"takes {one.drift.after_s / one.drift.before_s:.2g} times as long since "
            f"{time.strftime('%Y-%m-%d', time.gmtime(one.drift.since))}: {1000 * one.drift.before_s:.3g} ms before, "
            f"{1000 * one.drift.after_s:.3g} ms after"
        )


def test_json(test: str, store: HistoryStore, *, now: float) -> str:
    from hermetic.record.history.stability import of_test  # noqa: PLC0415 - as above

    one: Stability = of_test(test, store.of(test), now=now)
    told: dict[str, Any] = {**asdict(one), "rate": one.rate}
    return json.dumps(told, indent=1)


# pytest would take these for tests where they are imported.
test_text.__test__ = False  # type: ignore[attr-defined]  # pytest's own switch
test_json.__test__ = False  # type: ignore[attr-defined]  # as above
