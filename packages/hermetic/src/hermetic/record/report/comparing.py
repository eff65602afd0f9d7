"""
What is different between two runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hermetic.record.report.steering import still
from hermetic.record.run.outcomes import BAD

if TYPE_CHECKING:
    from hermetic.record.run import Run, Test

# Less than both is noise between two runs; see the history for judgements over many.
_SLOWER_TIMES: Final = 1.5
_SLOWER_S: Final = 0.1
_MOST: Final = 50


def differences(before: Run, after: Run) -> dict[str, Any]:
    """
    Outcomes that changed, tests that came and went, and tests that took half as long again: under each name rows of node
    id, what was, and what is.
    """
    old = {test.nodeid: test for test in before.tests}
    new = {test.nodeid: test for test in after.tests}
    rows: dict[str, list[list[str]]] = {
        name: [] for name in ("broken", "mended", "changed", "new", "gone", "slower", "faster")
    }
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was is None or now is None:
            if now is not None:
                rows["new"].append([name, "", now.outcome])
            elif was is not None:
                rows["gone"].append([name, was.outcome, ""])
            continue
        if was.outcome != now.outcome:
            kind = "changed" if was.is_bad is now.is_bad else "broken" if now.outcome in BAD else "mended"
            rows[kind].append([name, was.outcome, now.outcome])
        pace = _pace(was, now)
        if pace:
            rows[pace].append([name, f"{was.duration_s:.2f} s", f"{now.duration_s:.2f} s"])
    return {
        "run": before.id,
        "before": before.counts.words(),
        "after": after.counts.words(),
        "rows": rows,
    }


def _pace(was: Test, now: Test) -> str:
    less, more = sorted((was.duration_s, now.duration_s))
    if more <= less * _SLOWER_TIMES or more - less <= _SLOWER_S:
        return ""
    return "slower" if now.duration_s > was.duration_s else "faster"


def compare(before: Run, after: Run) -> str:
    """
    The differences, a line each, ended by a newline.
    """
    found = differences(before, after)
    lines = [f"before: {found['before']}", f"after:  {found['after']}"]
    for name, rows in found["rows"].items():
        lines += [f"{name:<8} {nodeid}  {_change(was, now)}" for nodeid, was, now in rows[:_MOST]]
        if len(rows) > _MOST:
            lines.append(f"{name:<8} and {len(rows) - _MOST} more")
    if not any(found["rows"].values()):
        lines.append("no difference")
    return "\n".join(still(line) for line in lines) + "\n"


def _change(was: str, now: str) -> str:
    return f"{was} → {now}" if was and now else now or f"was {was}"
