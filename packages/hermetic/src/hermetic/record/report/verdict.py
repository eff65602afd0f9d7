"""
The run in one sentence, the worst first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermetic.record.run.outcomes import Outcome

# For one, and for more.
_BAD_WORDS: Final[dict[Outcome, tuple[str, str]]] = {
    "lost": ("lost with its process", "lost with their processes"),
    "error": ("with an error around it", "with errors around them"),
    "failed": ("failed", "failed"),
}
_WELL: Final[tuple[Outcome, ...]] = ("passed", "xfailed", "skipped")


def verdict(
    counts: Mapping[Outcome, int],
    *,
    duration_s: float,
    causes: int = 0,
    new: int | None = None,
    uncollected: int = 0,
    not_run: int = 0,
    gates: tuple[str, ...] = (),
    slower_s: float | None = None,
) -> str:
    """
    "5 failed, for 3 causes. 1 flaky. 20 passed, in 12.0 s."

    Args:
        counts: how many tests came to what.
        duration_s: how long the run took.
        causes: how many groups the bad tests fall into.
        new: how many of the bad tests had passed before; None where nobody knows.
        uncollected: files that could not be collected.
        not_run: tests that never began.
        gates: options that let the run fail.
        slower_s: by how much it took longer than usual, where that stands out.
    """
    bad = sum(counts.get(one, 0) for one in _BAD_WORDS)
    parts: list[str] = []
    if bad:
        words = [f"{counts[one]} {words[counts[one] > 1]}" for one, words in _BAD_WORDS.items() if counts.get(one)]
        parts.append(f"{', '.join(words)}{_causes(causes)}.")
        parts += _new(new, bad)
    if uncollected:
        parts.append(f"{_count(uncollected, 'file')} could not be collected.")
    if counts.get("flaky"):
        parts.append(f"{counts['flaky']} flaky: failed, then passed.")
    if counts.get("xpassed"):
        parts.append(f"{counts['xpassed']} passed although marked as failing.")
    if not_run:
        parts.append(f"{_count(not_run, 'test')} not run.")
    if gates and not bad:
        parts.append(f"The run failed because of {', '.join('--' + one for one in gates)}.")
    well = ", ".join(f"{counts[one]} {one}" for one in _WELL if counts.get(one))
    parts.append(f"{well or 'None passed'}, in {duration_s:.1f} s.")
    if slower_s is not None:
        parts.append(f"That is {slower_s:.1f} s slower than the usual {duration_s - slower_s:.1f} s.")
    return " ".join(parts)


def _new(new: int | None, bad: int) -> list[str]:
    if new is None:
        return []
    if new < bad:
        return [f"{new or 'None'} of them {'is' if new == 1 else 'are'} new."]
    return ["All of them are new." if new > 1 else "It is new."]


def _causes(number: int) -> str:
    return f", for {_count(number, 'cause')}" if number else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def in_a_line(remedy: dict[str, str]) -> str:
    """
    What to do, where there is room for one line: with the first line of its code when the sentence leads up to it.
    """
    text, code = remedy["text"], remedy["code"].strip()
    return f"{text} {code.partition(chr(10))[0]}" if text.endswith(":") and code else text.removesuffix(":")
