"""
The run in one sentence, the worst first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermetic.record.report.since import since, slower

if TYPE_CHECKING:
    from hermetic.record.run import Run
    from hermetic.record.run.model import Outcome

# For one, and for more.
_BAD_WORDS: Final[dict[Outcome, tuple[str, str]]] = {
    "lost": ("lost with its process", "lost with their processes"),
    "error": ("with an error around it", "with errors around them"),
    "failed": ("failed", "failed"),
}
_WELL: Final[tuple[Outcome, ...]] = ("passed", "xfailed", "skipped")


def verdict(run: Run, *, causes: int) -> str:
    """
    "5 failed, for 3 causes. 1 flaky. 20 passed, in 12.0 s."
    """
    counts = run.counts
    parts: list[str] = []
    if counts.bad:
        words = [f"{counts.of(one)} {words[counts.of(one) > 1]}" for one, words in _BAD_WORDS.items() if counts.of(one)]
        parts.append(f"{', '.join(words)}{_causes(causes)}.")
        parts += _new(run)
    if run.collection_failures:
        parts.append(f"{_count(len(run.collection_failures), 'file')} could not be collected.")
    if counts.of("flaky"):
        parts.append(f"{counts.of('flaky')} flaky: failed, then passed.")
    if counts.of("xpassed"):
        parts.append(f"{counts.of('xpassed')} passed although marked as failing.")
    if run.not_run:
        parts.append(f"{_count(run.not_run, 'test')} not run.")
    if run.gates and not counts.bad:
        parts.append(f"The run failed because of {', '.join('--' + one for one in run.gates)}.")
    well = ", ".join(f"{counts.of(one)} {one}" for one in _WELL if counts.of(one))
    parts.append(f"{well or 'None passed'}, in {run.duration_s:.1f} s.")
    more = slower(run)
    if more is not None:
        parts.append(f"That is {more:.1f} s slower than the usual {run.duration_s - more:.1f} s.")
    return " ".join(parts)


def _new(run: Run) -> list[str]:
    bad = [test.nodeid for test in run.tests if test.is_bad]
    if run.suite_past is None or run.suite_past.asked < len(bad):
        return []
    new = sum(nodeid not in run.past or since(run.past[nodeid])[0] == "new" for nodeid in bad)
    if new < len(bad):
        return [f"{new or 'None'} of them {'is' if new == 1 else 'are'} new."]
    return ["All of them are new." if new > 1 else "It is new."]


def _causes(number: int) -> str:
    return f", for {_count(number, 'cause')}" if number else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
