"""
What a report of pytest says, in the words that everything here uses.
"""

from __future__ import annotations

import itertools
import operator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pytest

PhaseOutcome: TypeAlias = Literal["passed", "skipped", "xfailed", "xpassed", "failed", "error"]


# What a try that another one follows is called by Hermetic's own retries and pytest-rerunfailures, and by pytest-retry.
_REPEATED = frozenset({"rerun", "retried"})


# Where a report of a try that may be repeated says what kind of failure it was, see `hermetic.record.history.nature`.
NATURE = "hermetic_nature"


def is_repeated(report: pytest.TestReport) -> bool:
    """
    Whether it tells of a try that failed and is followed by another, ours or another plugin's.
    """
    return report.outcome in _REPEATED


def telling(stats: Mapping[str, Sequence[Any]], names: frozenset[str]) -> list[Any]:
    """
    Of all that the terminal's reporter has kept, what has an attribute with one of these names. Most have none, and there are
    three a test, so none of them is looked at in Python.
    """
    says_nothing = operator.methodcaller("isdisjoint", names)
    found: list[Any] = []
    for reports in stats.values():
        try:
            tables: Iterable[dict[str, Any]] = map(vars, reports)
            silent = map(says_nothing, map(dict[str, Any].keys, tables))
            found += [*itertools.compress(reports, map(operator.not_, silent))]
        except TypeError:  # another plugin's, with slots
            found += [one for one in reports if not names.isdisjoint(getattr(one, "__dict__", ()))]
    return found


def phase_outcome(report: pytest.TestReport) -> PhaseOutcome:
    """
    How this phase of this try ended: what fails outside the call is an error.
    """
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.skipped:
        return "skipped"
    if report.passed:
        return "passed"
    return "failed" if report.when == "call" else "error"


def crash_message(report: pytest.TestReport) -> str:
    """
    What was raised, as pytest's short summary has it; else all that is told of the failure, which may be nothing.
    """
    longrepr: Any = report.longrepr
    return str(getattr(getattr(longrepr, "reprcrash", None), "message", "") or longrepr or "").strip()
