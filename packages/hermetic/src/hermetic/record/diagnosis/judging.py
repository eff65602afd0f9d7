"""
Asks the rules, for one test and for a whole run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermetic.foundation.remedy import Remedy
from hermetic.record.diagnosis.model import Diagnosis, Evidence, at, from_findings
from hermetic.record.diagnosis.rules import RULES

if TYPE_CHECKING:
    from hermetic.record.run import Run, Test

UNKNOWN: Final = "unknown"
"""
The name under which it is said that no rule speaks.
"""
FOUND: Final = "finding"
"""
The name under which a finding is told that no rule has more to say of.
"""
# A general rule is silent when one of these says the same with more.
_INSTEAD: Final = {
    "test.hung": ("cancellation.swallowed", "fixture.slow"),
    "loop.bound-to-another": ("loop.fixture-of-another",),
}


def diagnose(run: Run, test: Test) -> tuple[Diagnosis, ...]:
    """
    Why this test is as it is: nothing for one that is well, and for a bad one at least that the cause is unknown.
    """
    if not test.is_bad and test.outcome != "flaky":
        return ()
    evidence = Evidence(run, test)
    found = [diagnosis for rule in RULES if (diagnosis := rule.judge(evidence)) is not None]
    names = {one.rule for one in found}
    found = [one for one in found if not names & set(_INSTEAD.get(one.rule, ()))]
    return tuple(found) or (_found(evidence) or _unknown(evidence),)


def _found(evidence: Evidence) -> Diagnosis | None:
    # Where the test raised nothing, a finding of Hermetic's own is what failed it.
    found = evidence.findings() if evidence.one.failure is None else []
    return from_findings(FOUND, found, evidence) if found else None


def _unknown(evidence: Evidence) -> Diagnosis:
    failure = evidence.one.failure
    quoted = f"'{evidence.test.nodeid}'"
    if failure is not None:
        seen = f"{failure.type} was raised {at(failure)}"
    elif evidence.test.outcome == "lost":
        seen = f"its process {evidence.one.worker} ended while it ran"
    else:
        seen = "no exception was recorded"
    return Diagnosis(
        rule=UNKNOWN,
        cause="No rule knows the cause.",
        confidence="possible",
        evidence=(seen,),
        remedy=Remedy(
            text="Read the failure; run it alone to see whether it depends on others.", code=f"pytest {quoted}"
        ),
    )


def diagnose_run(run: Run) -> tuple[Diagnosis, ...]:
    """
    What is to be said of the run as a whole.
    """
    found: list[Diagnosis] = []
    if run.gates and not run.counts.bad:
        names = ", ".join(f"--{name}" for name in run.gates)
        found.append(
            Diagnosis(
                rule="run.gate",
                cause=f"No test failed; the run failed because of {names}.",
                confidence="certain",
                evidence=(f"pytest's exit status was {run.status}", f"{run.counts.words()}"),
                remedy=Remedy(
                    text="Run a part of the tests without it, and let it judge only whole runs.",
                    code="pytest --no-cov …",
                ),
            )
        )
    if run.stopped:
        found.append(
            Diagnosis(
                rule="run.stopped",
                cause=f"The run was stopped before its end by {run.stopped}; {run.not_run} tests were not run.",
                confidence="certain",
                evidence=(f"{run.expected} tests were collected, {len(run.tests)} began",),
                remedy=Remedy(text="Run without -x or --maxfail to see the rest."),
            )
        )
    elif run.status is None:
        lost = [test.nodeid for test in run.tests if test.outcome == "lost"]
        found.append(
            Diagnosis(
                rule="run.never-ended",
                cause="pytest never came to its end: its process died.",
                confidence="certain",
                evidence=(f"running then: {', '.join(lost[:3]) or 'no test'}", f"{run.not_run} tests were not run"),
                remedy=Remedy(text="Let a parent go on with the tests that are left.", code="hermetic run …"),
            )
        )
    return tuple(found)
