"""
The history as text for a terminal and as JSON.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hermetic.record.history.stability import of_suite, of_test

if TYPE_CHECKING:
    from hermetic.record.history.stability import Stability
    from hermetic.record.history.store import HistoryStore

_SHOWN = 20


def suite_text(store: HistoryStore) -> str:
    """
    A few lines for the whole suite.
    """
    suite = of_suite(store.all())
    if not suite.runs:
        return "The history has no runs yet."
    lines = [
        f"{suite.runs} runs of {suite.tests} tests",
        f"{100 * suite.trusted:.3g} % of the tests pass in more than 95 of 100 tries",
    ]
    if suite.flaky:
        lines.append(
            f"{len(suite.flaky)} flaky: they make {100 * suite.spuriously_red:.2g} % of the runs red although nothing is "
            f"broken, and have cost {suite.minutes_lost:.1f} minutes"
        )
        rates = {name: (failed, count) for name, count, failed in store.counts()}
        for name in suite.flaky[:_SHOWN]:
            failed, count = rates[name]
            lines.append(f"  {failed:>4} of {count:<5} {name}")
        if len(suite.flaky) > _SHOWN:
            lines.append(f"  … and {len(suite.flaky) - _SHOWN} more")
        lines.append("hermetic history NAME tells more of one.")
    else:
        lines.append("no test was seen to pass and fail on the same code")
    return "\n".join(lines)


def suite_json(store: HistoryStore) -> str:
    return json.dumps(asdict(of_suite(store.all())), indent=1)


def test_text(test: str, store: HistoryStore, *, now: float) -> str:
    """
    What is known of one test, the most useful first.
    """
    one = of_test(test, store.of(test), now=now)
    lines = [test, f"  {one.class_}: {one.rate_text}", f"  newest {one.strip}"]
    if one.failures:
        lines.append(
            f"  a next failure is spurious with probability {one.spurious:.2g}; "
            f"{100 * one.flip_rate:.2g} % of neighbouring runs differ; rate of late {100 * one.recent_rate:.2g} %"
        )
    if one.change is not None:
        day = time.strftime("%Y-%m-%d", time.gmtime(store.of(test)[one.change.at][0].at))
        before, after = one.change.rate_before, one.change.rate_after
        lines.append(f"  its rate changed on {day}, from {100 * before:.2g} % to {100 * after:.2g} %")
    if one.judgement == "open" and one.passes_left:
        lines.append(f"  {one.passes_left} more passes in a row would make it stable: hermetic history counts them")
    slower = ", slower than usual" if one.is_slower else ""
    lines.append(f"  takes {one.duration_s * 1000:.3g} ms{slower}")
    lines += [f"  cause {cause}: {count} times" for cause, count in one.causes[:5]]
    lines += [f"  finding {kind}: {count} times" for kind, count in one.findings[:5]]
    lines.append(f"  run again: pytest '{test}'")
    return "\n".join(lines)


def test_json(test: str, store: HistoryStore, *, now: float) -> str:
    one: Stability = of_test(test, store.of(test), now=now)
    told: dict[str, Any] = {**asdict(one), "rate": one.rate}
    return json.dumps(told, indent=1)


# pytest would take these for tests where they are imported.
test_text.__test__ = False  # type: ignore[attr-defined]  # pytest's own switch
test_json.__test__ = False  # type: ignore[attr-defined]  # as above
