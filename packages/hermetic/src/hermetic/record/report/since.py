"""
What is new in a run, from what the history knew when it ended.
"""

from __future__ import annotations

import time
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from hermetic.record.history.comparing import is_slower_than_usual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermetic.record.events import PastKnown
    from hermetic.record.run import Run

_LISTED: Final = 200


def test_past(past: PastKnown) -> dict[str, Any]:
    """
    The past of one test that is not well: how its last tries ended, and how new its failure is, in a word and in a clause.
    """
    word, said = since(past)
    return {"strip": past.strip, "judged": past.judged, "rate": past.rate, "word": word, "said": said}


# pytest would take it for a test where it is imported.
test_past.__test__ = False  # type: ignore[attr-defined]  # pytest's own switch


def since(past: PastKnown) -> tuple[str, str]:
    """
    How new a failure is, in a word and in a clause.
    """
    if past.judged == "flaky":
        return "known flaky", f"known to be flaky: {past.rate}"
    if past.failed:
        return "still failing", f"has failed in the last {_runs(past.failed)}, since {_day(past)}"
    return "new", f"new: it had passed in the last {_runs(past.passed)}, since {_day(past)}"


def since_of(run: Run, tests: Sequence[str]) -> str:
    """
    How new the failures of these tests are, in a clause; empty where there are none or the history knows no run.
    """
    if run.suite_past is None or not tests:
        return ""
    known = [run.past[nodeid] for nodeid in tests if nodeid in run.past]
    words = Counter(since(past)[0] for past in known)
    words["new"] += len(tests) - len(known)
    parts = [f"{words[word]} {word}" if len(tests) > 1 else word for word in ("new", "known flaky") if words[word]]
    still = [past for past in known if since(past)[0] == "still failing"]
    if still:
        oldest = min(still, key=lambda past: past.since_at)
        many = f"{len(still)} " if len(tests) > 1 else ""
        parts.append(f"{many}failing since {_day(oldest)}")
    return ", ".join(parts)


def new_ones(run: Run) -> int | None:
    """
    How many of the bad tests are new; None where the history knows no run, or was not asked for all of them.
    """
    bad = [test.nodeid for test in run.tests if test.is_bad]
    if run.suite_past is None or run.suite_past.asked < len(bad):
        return None
    return sum(nodeid not in run.past or since(run.past[nodeid])[0] == "new" for nodeid in bad)


def _day(past: PastKnown) -> str:
    version = f" ({past.since_code[:12]})" if past.since_code else ""
    return time.strftime("%Y-%m-%d", time.gmtime(past.since_at)) + version


def _runs(number: int) -> str:
    return f"{number} tries" if number > 1 else "try"


def news(run: Run) -> dict[str, Any] | None:
    """
    The node ids of what changed since the last run that the history knows; None where it knows none.
    """
    known = run.suite_past
    if known is None:
        return None
    bad = [test.nodeid for test in run.tests if test.is_bad]
    words = {nodeid: since(run.past[nodeid])[0] for nodeid in bad if nodeid in run.past}
    well = {test.nodeid for test in run.tests if not test.is_bad}
    return {
        "failing": [nodeid for nodeid in bad if words.get(nodeid) == "new"][:_LISTED],
        "unseen": [nodeid for nodeid in bad if nodeid not in words][:_LISTED],
        "still": [nodeid for nodeid in bad if words.get(nodeid) == "still failing"][:_LISTED],
        "flaky": [nodeid for nodeid in bad if words.get(nodeid) == "known flaky"][:_LISTED],
        "mended": [nodeid for nodeid in known.failed_last if nodeid in well][:_LISTED],
    }


def suite_past(run: Run) -> dict[str, Any] | None:
    """
    How stable the suite has been; None where the history knows no run.
    """
    known = run.suite_past
    if known is None:
        return None
    return {
        "runs": known.runs,
        "tests": known.tests,
        "unsteady": known.unsteady,
        "durations_s": [round(one, 3) for one in known.durations_s],
        "usual_s": round(median(known.durations_s), 3) if known.durations_s else None,
    }


def slower(run: Run) -> float | None:
    """
    By how many seconds this run took longer than usual; None when it did not stand out.
    """
    known = run.suite_past
    if known is None or not is_slower_than_usual(run.duration_s, known.durations_s):
        return None
    return run.duration_s - median(known.durations_s)
