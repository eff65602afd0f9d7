"""
What `hermetic stress` was asked for, and the answer.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from hermetic.errors import HermeticError
from hermetic.runs.stress import telling
from hermetic.runs.stress.campaign import Campaign, Plan
from hermetic.runs.stress.conditions import NAMES
from hermetic.runs.stress.trials import Bench

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hermetic.runs.stress.verdict import Verdict

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class StressError(HermeticError):
    """
    A question that cannot be answered; its text says which part.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    Which tests to stress.

    Args:
        words: tests as pytest names them, files, directories, parts of names; and options for pytest, with a dash.
        suite: files and directories whose tests may run before; those of the tests themselves if empty.
        plan: how much to do.
        timeout: of one process of runs, in seconds.
    """

    words: Sequence[str]
    suite: Sequence[str] = ()
    plan: Plan
    timeout: float = 60.0

    @property
    def arguments(self) -> list[str]:
        """
        What pytest is to collect, and its options.
        """
        options = [word for word in self.words if word.startswith("-")]
        files = [word.partition("::")[0] for word in self._tests if "::" in word or "/" in word or word.endswith(".py")]
        return [*options, *dict.fromkeys([*files, *self.suite])]

    @property
    def _tests(self) -> list[str]:
        return [word for word in self.words if not word.startswith("-")]

    def chosen(self, collected: Sequence[str]) -> list[str]:
        """
        Raises:
            StressError: a word that names no test.
        """
        if not collected:
            raise StressError("there is no test here. Name a directory or files with tests.")
        chosen: dict[str, None] = {}
        for word in self._tests or [""]:
            found = [one for one in collected if _names(word, one)] or [one for one in collected if word in one]
            if not found:
                raise StressError(f"none of {len(collected)} tests is {word!r} or has that in its name")
            chosen.update(dict.fromkeys(found))
        return list(chosen)


def question(
    words: Sequence[str],
    *,
    suite: Sequence[str] = (),
    rate: float = 0.01,
    runs: int | None = None,
    limit: str | None = None,
    only: str = "",
    until_confident: bool = False,
    **_: object,
) -> Question:
    """
    From the options of the command.

    Raises:
        StressError: one that cannot be read, or two that exclude each other.
    """
    if until_confident and runs is not None:
        raise StressError("--until-confident and --runs exclude each other: one of them says how many runs there are")
    try:
        plan = Plan(
            rate=rate,
            runs=runs,
            seconds=float("inf") if limit is None else seconds(limit),
            only=names(only),
            # Asked to be sure, no condition is left early for taking long.
            arm_seconds=float("inf") if until_confident or runs is not None else 15.0,
            is_thorough=until_confident,
        )
    except ValueError as error:
        raise StressError(str(error)) from error
    return Question(words=words, suite=suite, plan=plan)


def _names(word: str, test: str) -> bool:
    base = word.removeprefix("./").rstrip("/")
    return test == base or test.startswith((f"{base}::", f"{base}[", f"{base}/"))


def seconds(text: str) -> float:
    """
    "90", "90s", "10m", "1.5h" in seconds.

    Raises:
        ValueError: it is no duration above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if found is None or float(found[1]) <= 0:
        raise ValueError(f"{text!r} is no duration; write 90s, 10m or 1.5h")
    return float(found[1]) * _UNITS[found[2]]


def names(text: str) -> frozenset[str]:
    """
    Conditions, separated by commas.

    Raises:
        ValueError: one that there is not.
    """
    given = frozenset(word.strip() for word in text.split(",") if word.strip())
    if unknown := sorted(given - set(NAMES)):
        raise ValueError(f"there is no condition {unknown[0]!r}; there are {', '.join(NAMES)}")
    return given


def answer(
    question: Question, *, tell: Callable[[str], None], is_json: bool, cwd: Path | None = None
) -> tuple[str, int]:
    """
    Stress the tests.

    Returns:
        What to show, and the exit status: 0 when all are stable, 1 when some are not.

    Raises:
        StressError: no such test.
        ProbeError: the suite cannot be collected.
    """
    with Bench(question.arguments, cwd=cwd, timeout=question.timeout) as bench:
        verdicts = Campaign(bench, question.plan, tell=tell).run(question.chosen(bench.collected))
    shown = telling.as_json(verdicts) if is_json else telling.text(verdicts)
    return shown, 0 if all(_is_good(one) for one in verdicts) else 1


def _is_good(verdict: Verdict) -> bool:
    return verdict.class_ in {"stable", "skipped"} or (
        verdict.class_ == "unknown" and not verdict.calm.failures and not verdict.causes
    )


def again(question: Question, setting: str, *, cwd: Path | None = None) -> tuple[str, int]:
    """
    Run one test once under a setting that an earlier answer named.

    Returns:
        What to show, and the exit status: 1 when it failed.

    Raises:
        StressError: no such test, more than one, or no setting.
        ProbeError: the suite cannot be collected.
    """
    try:
        given: object = json.loads(setting)
    except ValueError as error:
        raise StressError(f"--again {setting!r} is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise StressError(f"--again {setting!r} is no object such as {{'random':7}}")
    with Bench(question.arguments, cwd=cwd, timeout=question.timeout) as bench:
        chosen = question.chosen(bench.collected)
        if len(chosen) != 1:
            raise StressError(f"--again takes one test; these are {len(chosen)}")
        [trial] = bench.run(chosen[0], [cast("dict[str, Any]", given)])
    return (f"{chosen[0]} failed\n\n{trial.text}", 1) if trial.failed else (f"{chosen[0]} passed", 0)
