"""
At least ten near misses of its own for each rule, told in this process: it must not speak on any.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hermetic.guard.capture import Project
from hermetic.record.diagnosis import RULES, diagnose
from hermetic.record.diagnosis.facts import facts_of
from hermetic.record.events import PastKnown, PhaseEnded, TestBegan
from hermetic.record.failure import Failure, FailureFrame
from hermetic.record.journal.reading import Journal
from hermetic.record.run import build
from hermetic.record.taking import failure_of

from packages.hermetic.tests.plugin.diagnosis.near_misses import EARLIER, RAISING, STORIES

pytestmark = pytest.mark.hermetic("off", reason="near misses leave open and break what Hermetic would find")


def number_of(rule):
    return sum(len(cases.get(rule, ())) for cases in (RAISING, STORIES, EARLIER))


def rules_of(failure, *events, before=(), worker="gw0"):
    """
    The rules that speak on a test with these events that failed so, after another test in a process of that name.
    """
    story = [TestBegan(at_s=1.0, test="t"), phase("setup"), *events, phase("call", failure), phase("teardown")]
    known = [one for one in story if isinstance(one, PastKnown)]
    story = [one for one in story if not isinstance(one, PastKnown)]
    other = [TestBegan(at_s=0.0, test="earlier"), *before, phase("teardown", test="earlier")]
    journals = [journal([*other, *story, *known], "gw0")]
    if worker != "gw0":
        journals = [journal(other, worker), journal([*story, *known], "gw0")]
    run = build(journals)
    return [one.rule for one in diagnose(run, run.test("t"))]


def phase(name, failure=None, *, test="t"):
    outcome = "failed" if name == "call" else "passed"
    return PhaseEnded(at_s=1.0, test=test, phase=name, outcome=outcome, duration_s=0.1, failure=failure)


def journal(events, worker):
    header = {"kind": "journal", "started_at": 0.0, "at_s": 0.0, "worker": worker}
    return Journal(path=Path("j"), header=header, events=tuple(events))


def taken(function):
    try:
        function()
    except Exception as error:  # noqa: BLE001 - whatever a near miss raises is what is looked at
        return failure_of(error, project=Project(), facts=facts_of)
    pytest.fail(f"{function.__name__} did not fail")


def plain(source="assert total == 3"):
    frame = FailureFrame(file="a.py", line=1, function="t", module="a", source=source, is_own=True)
    return Failure(type="AssertionError", message="", bases=("Exception",), frames=(frame,))


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_a_rule_is_silent_on_ten_near_misses_of_its_own(rule):
    """
    Real exceptions taken apart as in a run, and journals that lack one event or have another value.
    """
    assert number_of(rule) >= 10

    spoke = []
    for function, events in RAISING.get(rule, ()):
        found = rules_of(taken(function), *events)
        assert found
        spoke += [function.__name__] if rule in found else []
    for events in STORIES.get(rule, ()):
        spoke += [events] if rule in rules_of(plain(), *events) else []
    for before, source, worker in EARLIER.get(rule, ()):
        spoke += [before] if rule in rules_of(plain(source), before=before, worker=worker) else []
    assert spoke == []
