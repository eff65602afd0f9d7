"""
Rules about time: what hung, what was slow, what stands too near to its bound, and what a repetition hides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermetic.foundation.remedy import Remedy
from hermetic.guard.deadlines.events import DeadlinePassed, HangEnded
from hermetic.record.diagnosis.model import Diagnosis, Rule, at
from hermetic.record.events import FixtureSetUp

if TYPE_CHECKING:
    from hermetic.record.diagnosis.model import Evidence

# A machine that is busy with something else is easily so much slower.
_NEAR: Final = 0.5


def _swallowed(evidence: Evidence) -> Diagnosis | None:
    hangs = evidence.events(DeadlinePassed)
    ends = [one for one in evidence.events(HangEnded) if one.ended_by == "interrupted" and one.is_responsive]
    if not hangs or not ends:
        return None
    return Diagnosis(
        rule="cancellation.swallowed",
        cause="The test was cancelled and went on: something catches the cancellation and does not raise it again.",
        confidence="likely",
        evidence=(
            f"it waited at {hangs[-1].waiting_at} when its {hangs[-1].budget_s:g} s were over",
            "its loop answered, so the cancellation arrived; only an interruption ended it",
        ),
        remedy=Remedy(
            text="Catch Exception, not BaseException, and raise CancelledError again after cleaning up.",
            code="except asyncio.CancelledError:\n    await clean_up()\n    raise",
        ),
    )


def _slow_fixture(evidence: Evidence) -> Diagnosis | None:
    hangs = [one for one in evidence.events(DeadlinePassed) if one.phase == "setup"]
    if not hangs:
        return None
    slowest = max(evidence.events(FixtureSetUp), key=lambda one: one.duration_s, default=None)
    if slowest is None or slowest.duration_s < hangs[0].budget_s / 2:
        return None
    # A fixture's time includes those that it asked for: the last that is nearly as slow is the one that waited.
    innermost = next(one for one in evidence.events(FixtureSetUp) if one.duration_s >= slowest.duration_s * 0.9)
    return Diagnosis(
        rule="fixture.slow",
        cause=f"The {innermost.scope} fixture {innermost.fixture!r} took {innermost.duration_s:.2f} s of the {hangs[0].budget_s:g} s that setup has.",
        confidence="certain",
        evidence=(f"it waited at {hangs[0].waiting_at}",),
        remedy=Remedy(
            text="Make what it prepares once for the module or session, or wait for a condition in place of a time."
        ),
    )


def _hang(evidence: Evidence) -> Diagnosis | None:
    hangs = evidence.events(DeadlinePassed)
    if not hangs:
        return None
    hang = hangs[-1]
    what = (
        "Nothing could wake it any more: a deadlock"
        if hang.is_deadlock
        else f"It did not end within {hang.budget_s:g} s"
    )
    return Diagnosis(
        rule="test.hung",
        cause=f"{what}; it waited at {hang.waiting_at}.",
        confidence="certain",
        evidence=(f"{hang.phase} had run for {hang.elapsed_s:.2f} s, with the deadline from {hang.source}",),
        remedy=Remedy(
            text="Bound this wait with hermetic.deadline, and make sure that what it waits for happens whatever fails."
        ),
    )


def _near_bound(evidence: Evidence) -> Diagnosis | None:
    failure = evidence.with_true("assert.is_clock")
    if failure is None:
        return None
    left, right = float(failure.facts["assert.left"]), float(failure.facts["assert.right"])
    if abs(left - right) > _NEAR * max(abs(left), abs(right)):
        return None
    return Diagnosis(
        rule="time.near-bound",
        cause=f"The assertion compares a measured time with a bound that is too near: {left:.4g} against {right:.4g}.",
        confidence="likely",
        evidence=(f"one side was read from a clock {at(failure)}", f"they differ by {abs(left - right):.3g} s"),
        remedy=Remedy(
            text="Assert on what happened, not on how long it took; or let a virtual clock tell the time.",
            code="@pytest.mark.virtual_time\nasync def test_…",
        ),
    )


def _retry_hides(evidence: Evidence) -> Diagnosis | None:
    if evidence.test.outcome != "flaky":
        return None
    failed = [one for one in evidence.test.tries if one.outcome != "passed"]
    failure = failed[0].failure
    return Diagnosis(
        rule="retry.hides-failure",
        cause=f"A repetition hides a failure: it failed in {len(failed)} of {len(evidence.test.tries)} tries and counts as passed.",
        confidence="certain",
        evidence=((f"{failure.type} was raised {at(failure)}",) if failure is not None else ()),
        remedy=Remedy(
            text="Run it without retries and mend the failure; a test that may fail proves nothing when it passes."
        ),
    )


RULES: Final = (
    Rule(
        name="cancellation.swallowed", looks_for="a hang that a cancellation reached and did not end", judge=_swallowed
    ),
    Rule(name="fixture.slow", looks_for="a fixture that took most of the time that setup has", judge=_slow_fixture),
    Rule(name="test.hung", looks_for="a deadline that passed", judge=_hang),
    Rule(
        name="time.near-bound",
        looks_for="a comparison with a measured time that missed its bound by little",
        judge=_near_bound,
    ),
    Rule(name="retry.hides-failure", looks_for="a try that failed before one that passed", judge=_retry_hides),
)
