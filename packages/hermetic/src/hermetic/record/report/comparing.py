"""
What is different between two runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermetic.record.report.as_text import clean
from hermetic.record.run.model import BAD

if TYPE_CHECKING:
    from hermetic.record.run import Run

# Less than both is noise between two runs; see the history for judgements over many.
_SLOWER_TIMES: Final = 1.5
_SLOWER_S: Final = 0.1
_MOST: Final = 50


def compare(before: Run, after: Run) -> str:
    """
    Outcomes that changed, tests that came and went, and tests that took half as long again; a line each.
    """
    old = {test.nodeid: test for test in before.tests}
    new = {test.nodeid: test for test in after.tests}
    both = [(old[name], new[name]) for name in sorted(old.keys() & new.keys())]
    sections = {
        "broken": [
            f"{b.nodeid}  {a.outcome} → {b.outcome}" for a, b in both if b.outcome in BAD and a.outcome not in BAD
        ],
        "mended": [
            f"{b.nodeid}  {a.outcome} → {b.outcome}" for a, b in both if a.outcome in BAD and b.outcome not in BAD
        ],
        "changed": [
            f"{b.nodeid}  {a.outcome} → {b.outcome}"
            for a, b in both
            if a.outcome != b.outcome and (a.outcome in BAD) == (b.outcome in BAD)
        ],
        "new": [f"{name}  {new[name].outcome}" for name in sorted(new.keys() - old.keys())],
        "gone": [f"{name}  was {old[name].outcome}" for name in sorted(old.keys() - new.keys())],
        "slower": [
            f"{b.nodeid}  {a.duration_s:.2f} s → {b.duration_s:.2f} s"
            for a, b in both
            if b.duration_s > a.duration_s * _SLOWER_TIMES and b.duration_s - a.duration_s > _SLOWER_S
        ],
    }
    lines = [f"before: {before.counts.words()}", f"after:  {after.counts.words()}"]
    for name, rows in sections.items():
        lines += [f"{name:<8} {row}" for row in rows[:_MOST]]
        if len(rows) > _MOST:
            lines.append(f"{name:<8} and {len(rows) - _MOST} more")
    if not any(sections.values()):
        lines.append("no difference")
    return "\n".join(clean(line) for line in lines) + "\n"
