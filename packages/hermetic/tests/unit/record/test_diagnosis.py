"""
Diagnoses from events alone: what took time, what was tried again, and what is said of a whole run.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hermetic.foundation import Finding, Frame, Owner, Remedy, Site
from hermetic.guard.deadlines.events import DeadlinePassed, HangEnded
from hermetic.guard.events import FindingReported
from hermetic.record.diagnosis import diagnose, diagnose_run
from hermetic.record.diagnosis.collecting import ErrorDiagnostics
from hermetic.record.events import (
    FixtureSetUp,
    PastKnown,
    PastTry,
    PhaseEnded,
    RunBegan,
    RunEnded,
    TestBegan,
    TestRetried,
)
from hermetic.record.failure import Failure, FailureFrame
from hermetic.record.journal.reading import Journal
from hermetic.record.run import build


def phase(name, outcome="passed", *, at_s=1.0, failure=None):
    return PhaseEnded(at_s=at_s, test="t", phase=name, outcome=outcome, duration_s=0.1, failure=failure)


def hang(part="call", *, is_deadlock=False):
    return DeadlinePassed(
        at_s=0.5,
        test="t",
        phase=part,
        budget_s=0.3,
        elapsed_s=0.3,
        source="s",
        waiting_at="a.py:1",
        is_deadlock=is_deadlock,
        text="",
    )


def ended(by, *, is_responsive):
    return HangEnded(at_s=0.6, test="t", phase="call", ended_by=by, is_responsive=is_responsive)


def journal(*events):
    return Journal(path=Path("j"), header={"kind": "journal", "started_at": 0.0, "at_s": 0.0}, events=events)


def rules_of(*events):
    run = build([journal(TestBegan(at_s=0.0, test="t"), *events)])
    return [one.rule for one in diagnose(run, run.tests[0])]


FAILED = (phase("setup"), phase("call", "failed"), phase("teardown"))
SETUP_FAILED = (phase("setup", "failed"), phase("teardown"))
LOOP_CLOSED = Failure(
    type="RuntimeError",
    message="",
    frames=(FailureFrame(file="b.py", line=1, function="BaseEventLoop._check_closed", module="asyncio.base_events"),),
)


def fixture(name, took):
    return FixtureSetUp(at_s=0.4, fixture=name, scope="function", duration_s=took)


@pytest.mark.parametrize(
    "events, rules",
    [
        ((hang(), ended("interrupted", is_responsive=True), *FAILED), ["cancellation.swallowed"]),
        ((hang(), ended("interrupted", is_responsive=False), *FAILED), ["test.hung"]),  # the loop was blocked
        ((hang(), ended("cancelled", is_responsive=True), *FAILED), ["test.hung"]),
        ((hang(), ended("by itself", is_responsive=True), *FAILED), ["test.hung"]),
        ((hang(is_deadlock=True), *FAILED), ["test.hung"]),
        ((ended("interrupted", is_responsive=True), *FAILED), ["unknown"]),
        ((fixture("outer", 0.29), hang("setup"), *SETUP_FAILED), ["fixture.slow"]),
        ((fixture("outer", 0.1), hang("setup"), *SETUP_FAILED), ["test.hung"]),
        ((fixture("outer", 0.29), hang("call"), *FAILED), ["test.hung"]),
        ((hang("setup"), *SETUP_FAILED), ["test.hung"]),
        ((fixture("outer", 0.29), *SETUP_FAILED), ["unknown"]),
        (
            (
                fixture("event_loop", 0.0),
                phase("setup"),
                phase("call", "failed", failure=LOOP_CLOSED),
                phase("teardown"),
            ),
            ["loop.custom-fixture", "loop.closed"],
        ),
        ((phase("setup"), phase("call", "failed", failure=LOOP_CLOSED), phase("teardown")), ["loop.closed"]),
        ((fixture("event_loop", 0.0), *FAILED), ["unknown"]),
        (
            (
                phase("setup"),
                phase("call", "rerun"),
                TestRetried(at_s=1.0, test="t", attempt=1),
                phase("teardown"),
                phase("setup"),
                phase("call"),
                phase("teardown"),
            ),
            ["retry.hides-failure"],
        ),
        (
            (
                phase("setup"),
                phase("call", "rerun"),
                TestRetried(at_s=1.0, test="t", attempt=1),
                phase("teardown"),
                *FAILED,
            ),
            ["unknown"],
        ),
        ((phase("setup"),), ["unknown"]),  # its process was lost
        ((phase("setup"), phase("call"), phase("teardown")), []),
        ((phase("setup", "skipped"), phase("teardown")), []),
    ],
)
def test_events_decide_which_rule_speaks(events, rules):
    """
    Each rule about time has its case beside near misses that lack one event or have another value.
    """
    assert rules_of(*events) == rules


def known(*tries):
    return PastKnown(
        at_s=1.0, test="t", strip="", judged="unknown", rate="", passed=0, failed=1, since_at=0.0, since_code="",
        tries=tuple(PastTry(seed=seed, position=position, did_pass=ok) for seed, position, ok in tries),
    )  # fmt: skip


@pytest.mark.parametrize(
    "tries, said",
    [
        (
            [*[("", 1, True)] * 4, *[("", 6, False)] * 4],
            "it passed in each of 4 runs in which it was the first of its process",
        ),
        (
            [*[("", 1, False)] * 4, *[("", 6, True)] * 4],
            "it failed in each of 4 runs in which it was the first of its process",
        ),
        (
            [*[("7", 2, False)] * 4, *[("8", 2, True)] * 4],
            "under 1 of 2 seeds of the order it always failed, under the others it always passed",
        ),
    ],
)
def test_a_test_whose_end_the_order_alone_told_depends_on_it(tries, said):
    """
    A victim, a test that needs another, and one that only some orders break: by what the history knew, with the chance of it.
    """
    story = (phase("setup"), phase("call", "failed", failure=LOOP_CLOSED), phase("teardown"), known(*tries))
    run = build([journal(TestBegan(at_s=0.0, test="t"), *story)])
    (found,) = [one for one in diagnose(run, run.tests[0]) if one.rule == "order.decides"]

    assert found.evidence[0] == said
    assert "by chance with probability 0.0" in " ".join(found.evidence)
    assert found.remedy.code == "hermetic bisect 't'"


def test_a_fixture_that_waited_is_told_from_those_that_asked_for_it():
    """
    The innermost of the slow fixtures is the one to mend.
    """
    run = build(
        [
            journal(
                TestBegan(at_s=0.0, test="t"),
                fixture("inner", 0.28),
                fixture("outer", 0.29),
                hang("setup"),
                *SETUP_FAILED,
            )
        ]
    )

    assert "'inner' took 0.28 s of the 0.3 s" in diagnose(run, run.tests[0])[0].cause


@pytest.mark.parametrize(
    "end, rules",
    [
        (RunEnded(at_s=2.0, status=1, gates=("cov-fail-under",)), ["run.gate"]),
        (RunEnded(at_s=2.0, status=2, stopped="maxfail"), ["run.stopped"]),
        (RunEnded(at_s=2.0, status=0), []),
        (RunEnded(at_s=2.0, status=1), []),
        (None, ["run.never-ended"]),
    ],
)
def test_what_decided_about_a_whole_run_is_said(end, rules):
    """
    A gate that no test failed, an option that stopped it, a process that died; nothing for a run that came to its end.
    """
    events = [
        RunBegan(at_s=0.0, tests=3),
        TestBegan(at_s=0.0, test="t"),
        phase("setup"),
        phase("call"),
        phase("teardown"),
    ]
    run = build([journal(*events, *([end] if end else []))])

    assert [one.rule for one in diagnose_run(run)] == rules


def test_a_gate_is_not_blamed_when_tests_failed():
    """
    The failures decide first.
    """
    end = RunEnded(at_s=2.0, status=1, gates=("cov-fail-under",))
    run = build([journal(TestBegan(at_s=0.0, test="t"), *FAILED, end)])

    assert diagnose_run(run) == ()


def test_error_diagnostics_collects_within_its_bound_and_explains():
    """
    A sink that may listen for ever: the newest events, the slowest timings first, causes by test.
    """
    diagnostics = ErrorDiagnostics(most=10)
    for number in range(100):
        diagnostics.emit(fixture(f"f{number}", number / 100))
    assert len(diagnostics.events) == 10
    assert diagnostics.timings[0] == ("fixture f99", 0.99)
    assert diagnostics.diagnose() == {}
    for event in (TestBegan(at_s=0.0, test="t"), hang(), *FAILED):
        diagnostics.emit(event)

    assert [one.rule for one in diagnostics.diagnose()["t"]] == ["test.hung"]
    with pytest.raises(ValueError, match="most=0"):
        ErrorDiagnostics(most=0)


def test_what_hermetic_found_itself_is_the_cause_where_the_test_raised_nothing():
    """
    With its line, its evidence and its remedy; a test that raised has another cause, and a warning is none.
    """

    def found(level="error"):
        made = Finding(
            category="stain",
            kind="environ",
            title="environment variable not put back",
            subject="os.environ['URL']",
            owner=Owner(kind="test", scope="test", name="t"),
            site=Site(frames=(Frame(file="/p/test_a.py", line=3, function="test_sets"),)),
            evidence=("unset before",),
            remedy=Remedy(text="monkeypatch.setenv('URL', value)"),
        )
        return FindingReported(at_s=0.9, test="t", level=level, finding=made)

    run = build([journal(TestBegan(at_s=0.0, test="t"), *FAILED, found())])
    [told] = diagnose(run, run.tests[0])

    assert (told.rule, told.confidence) == ("finding", "certain")
    assert told.cause == "environment variable not put back: os.environ['URL'], changed at /p/test_a.py:3 in test_sets."
    assert told.evidence == ("os.environ['URL'], of test t", "unset before")
    assert told.remedy.text == "monkeypatch.setenv('URL', value)"
    raised = (
        phase("setup"),
        phase("call", "failed", failure=Failure(type="ValueError", message="")),
        phase("teardown"),
    )
    assert rules_of(*raised, found()) == ["unknown"]
    assert rules_of(*FAILED, found("warn")) == ["unknown"]
