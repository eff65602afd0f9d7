"""
The team calls components together and keeps their failures from the tests.
"""

from __future__ import annotations

from hermetic.foundation import Finding, ListSink, Owner, SystemClock
from hermetic.guard.component import Quiet, Verdict
from hermetic.guard.ownership import Roll, Tenure
from hermetic.guard.team import Team


class Recorder(Quiet):
    def __init__(self, name, log):
        self.name = name
        self.log = log

    def entering(self, tenure):
        self.log.append((self.name, "entering"))

    def left(self, tenure):
        self.log.append((self.name, "left"))

    def judge(self, tenures):
        yield Verdict(Finding(category="leak", kind=self.name, title="", subject="", owner=tenures[0].owner))


class Broken(Quiet):
    name = "broken"

    def judge(self, tenures):
        yield from ()
        raise ZeroDivisionError("seeded")


def tenure(name="test"):
    return Tenure(lambda: Owner(kind="test", name=name))


def test_components_are_told_in_order_and_on_the_way_out_in_reverse():
    """
    What the first component sees set up first, it sees taken down last.
    """
    log = []
    team = Team([Recorder("a", log), Recorder("b", log)], roll=Roll(), sink=ListSink(), clock=SystemClock())
    one = tenure()
    team.entering(one)
    team.left(one)

    assert log == [("a", "entering"), ("b", "entering"), ("b", "left"), ("a", "left")]


def test_a_component_that_raises_is_recorded_and_left_out_and_the_others_go_on():
    """
    One defect of the guard costs one component, once.
    """
    sink = ListSink()
    team = Team([Broken(), Recorder("good", [])], roll=Roll(), sink=sink, clock=SystemClock())
    kinds = []
    for _ in range(2):
        one = tenure()
        team.entering(one)
        team.left(one)
        kinds.append([verdict.finding.kind for verdict in team.judge()])

    assert kinds == [["good"], ["good"]]
    assert [(f.component, f.step, f.error) for f in team.failures] == [("broken", "judge", "ZeroDivisionError: seeded")]
    assert [(event.kind, event.component) for event in sink.events] == [("guard.component_failed", "broken")]


def test_the_roll_follows_nested_owners_and_hands_over_those_that_ended():
    """
    A fixture runs inside its test, pauses, runs again for its teardown, and ends before the test.
    """
    roll = Roll()
    test, fixture = tenure("test"), tenure("fixture")
    roll.enter(test)
    roll.enter(fixture)
    assert roll.current is fixture
    roll.pause(fixture)
    assert roll.current is test
    roll.resume(fixture)
    roll.end(fixture)
    assert roll.current is test
    roll.end(test)

    assert roll.current is roll.session
    assert [fixture, test] == roll.take_ended()
    assert roll.take_ended() == []
    assert roll.living() == ()
