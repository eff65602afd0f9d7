"""
Runs put together from journals: whose event is whose, and what the history adds.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hermetic.record.events import (
    LogWritten,
    PastKnown,
    PhaseEnded,
    ResourcesSampled,
    RunEnded,
    SuitePast,
    TestBegan,
    TestRetried,
)
from hermetic.record.failure import Failure, FailureFrame
from hermetic.record.journal.reading import Journal
from hermetic.record.report import TestReporter
from hermetic.record.report.as_markdown import markdown
from hermetic.record.report.as_text import test_text as text_of
from hermetic.record.report.comparing import differences
from hermetic.record.report.document import document
from hermetic.record.report.verdict import in_a_line
from hermetic.record.run import build
from hermetic.record.taking import failure_of


def phase(name, outcome="passed", *, test="t", at_s=1.0):
    return PhaseEnded(at_s=at_s, test=test, phase=name, outcome=outcome, duration_s=0.1)


def log(text):
    return LogWritten(at_s=1.0, logger="a", level="INFO", message=text)


def sampled(mb, at_s=1.0):
    return ResourcesSampled(at_s=at_s, memory_bytes=mb * 2**20, descriptors=5, threads=1)


def run_of(*events):
    return build([Journal(path=Path("j"), header={"started_at": 0.0, "at_s": 0.0}, events=events)])


def logs_of(one):
    return [event.message for _, event in one.events if isinstance(event, LogWritten)]


def test_each_try_has_its_own_events_also_a_teardown_that_is_told_late():
    """
    What happens after a try that is repeated belongs to the next one; a teardown reported behind it still to the failed one.
    """
    (test,) = run_of(
        TestBegan(at_s=0.0, test="t"),
        log("one"),
        phase("call", "rerun"),
        TestRetried(at_s=1.0, test="t", attempt=1),
        phase("teardown", "failed"),
        log("two"),
        phase("call", "rerun"),
        TestRetried(at_s=1.0, test="t", attempt=2),
        log("three"),
        *(phase("setup"), phase("call"), phase("teardown")),
    ).tests

    assert [logs_of(one) for one in test.tries] == [["one"], ["two"], ["three"]]
    assert [[part.name for part in one.phases] for one in test.tries] == [
        ["call", "teardown"],
        ["call"],
        ["setup", "call", "teardown"],
    ]
    assert (test.outcome, [one.outcome for one in test.tries]) == ("flaky", ["failed", "failed", "passed"])


def test_the_hungriest_is_who_grew_beyond_what_there_was_when_it_began():
    """
    A test that takes its memory before the first sample in it is told by the last sample before it.
    """
    run = run_of(
        TestBegan(at_s=0.0, test="t"),
        sampled(100),
        *(phase("setup"), phase("call"), phase("teardown")),
        TestBegan(at_s=2.0, test="u"),
        sampled(140, 2.5),
        *(phase("setup", test="u"), phase("call", test="u"), phase("teardown", test="u")),
    )

    assert document(run)["hungriest"] == [{"id": "u", "memory_mb": 40.0}]


def known(test, *, passed=0, failed=0, judged="unknown"):
    return PastKnown(
        at_s=3.0, test=test, strip=".", judged=judged, rate="fails 5 % of the time", passed=passed, failed=failed,
        since_at=1.7e9, since_code="abcdef0123456789",
    )  # fmt: skip


def whole(test, outcome="passed"):
    return (
        TestBegan(at_s=0.0, test=test),
        *(phase("setup", test=test), phase("call", outcome, test=test), phase("teardown", test=test)),
    )


def test_a_report_says_what_is_new_what_is_not_and_what_was_mended():
    """
    By what the history knew when the run ended; a duration that stands out is told with the usual one.
    """
    past = SuitePast(
        at_s=3.0, runs=9, tests=5, unsteady=1, durations_s=(0.5, 0.5, 0.51, 0.5, 0.49, 0.5), failed_last=("mended", "gone"),
        asked=4,
    )  # fmt: skip
    run = run_of(
        *whole("breaks", "failed"),
        *whole("flips", "failed"),
        *whole("never seen", "failed"),
        *whole("still", "failed"),
        *whole("mended"),
        RunEnded(at_s=4.0, status=1),
        past,
        known("breaks", passed=7),
        known("flips", failed=1, judged="flaky"),
        known("still", failed=3),
    )
    told = document(run)

    assert told["news"] == {
        "failing": ["breaks"],
        "unseen": ["never seen"],
        "still": ["still"],
        "flaky": ["flips"],
        "mended": ["mended"],
    }
    assert "4 failed, for 1 cause. 2 of them are new." in told["verdict"]
    assert told["verdict"].endswith("slower than the usual 0.5 s.")
    assert {test["id"]: test["past"]["said"] for test in told["tests"] if "past" in test} == {
        "breaks": "new: it had passed in the last 7 tries, since 2023-11-14 (abcdef012345)",
        "flips": "known to be flaky: fails 5 % of the time",
        "still": "has failed in the last 3 tries, since 2023-11-14 (abcdef012345)",
    }
    assert told["past"]["usual_s"] == 0.5


def test_a_run_without_a_history_says_nothing_about_the_past():
    """
    Nothing is called new that nobody can know to be.
    """
    told = document(run_of(*whole("breaks", "failed"), RunEnded(at_s=4.0, status=1)))

    assert (told["news"], told["past"]) == (None, None)
    assert "new" not in told["verdict"]


def test_two_runs_are_compared_by_outcome_and_pace():
    """
    Each test stands under what became of it, with what was and what is; the report carries it.
    """
    before = run_of(*whole("a"), *whole("b", "failed"), *whole("gone"))
    after = run_of(*whole("a", "failed"), *whole("b"), *whole("new"))

    rows = {name: found for name, found in differences(before, after)["rows"].items() if found}
    assert rows == {
        "broken": [["a", "passed", "failed"]],
        "mended": [["b", "failed", "passed"]],
        "new": [["new", "", "passed"]],
        "gone": [["gone", "passed", ""]],
    }
    assert TestReporter(after, before=before).document["comparison"]["rows"]["broken"] == rows["broken"]


def test_a_group_of_exceptions_is_taken_by_its_first_part_that_is_no_cancellation(project):
    """
    What a TaskGroup raises is explained by the task that failed, not by those that it cancelled then.
    """
    import asyncio

    group = BaseExceptionGroup("tasks", [asyncio.CancelledError(), ValueError("no")])

    assert [one.type for one in failure_of(group, project=project).chain()] == ["BaseExceptionGroup", "ValueError"]


@pytest.mark.parametrize(
    ("error", "nature"),
    [
        (AssertionError("1 == 2"), "assertion"),
        (ConnectionRefusedError(111, "refused"), "infrastructure"),
        (OSError(28, "no space"), "infrastructure"),
        (KeyError("a"), "error"),
    ],
    ids=["assertion", "connection", "disk", "error"],
)
def test_a_failure_says_of_what_nature_it_is(project, error, nature):
    """
    What was not to be had is told from what a test found wrong, in the document, as text and as Markdown.
    """
    failure = failure_of(error, project=project)
    call = replace(phase("call", "failed"), failure=failure)
    told = TestReporter(run_of(TestBegan(at_s=0.0, test="t"), phase("setup"), call, phase("teardown"))).document

    assert [one["nature"] for one in told["tests"][0]["tries"]] == [nature]
    is_told = nature == "infrastructure"
    assert ("failed (infrastructure) after" in text_of(told["tests"][0])) == is_told
    assert ("_Infrastructure: " in markdown(told)) == is_told


@pytest.fixture
def project():
    from hermetic.guard.capture import Project

    return Project()


def test_a_failure_knows_the_frame_to_look_at_first():
    """
    The innermost one of the project's own, else nothing.
    """
    own = FailureFrame(file="a.py", line=1, function="a", is_own=True)
    library = FailureFrame(file="b.py", line=2, function="b")

    assert Failure(type="E", message="", frames=(own, library)).own_frame is own
    assert Failure(type="E", message="", frames=(library,)).own_frame is None


@pytest.mark.parametrize(
    "remedy, line",
    [
        ({"text": "Open it inside a with:", "code": "with open(path) as file:\n    …"}, "Open it inside a with: with open(path) as file:"),
        ({"text": "Close it:", "code": ""}, "Close it"),
        ({"text": "Close it.", "code": "it.close()"}, "Close it."),
    ],
)  # fmt: skip
def test_a_remedy_in_a_line_does_not_end_in_the_air(remedy, line):
    """
    A sentence that leads up to code has the first line of it.
    """
    assert in_a_line(remedy) == line
