"""
What a campaign makes of tests whose failures follow a known rule, and how it says so.

The processes that runs are forked in are played here, so that each rule is exact and a hundred runs cost nothing; the
tests of the command stress real ones.
"""

from __future__ import annotations

import itertools
import json

import pytest
from hermetic.runs.stress.campaign import Campaign, Plan
from hermetic.runs.stress.telling import as_json, text
from hermetic.runs.stress.trials import Trial

NOW = 1_800_000_000.0
TEST, OTHER = "test_a.py::test_it", "test_a.py::test_other"
EVERYTHING = frozenset({"random", "clock", "ports", "files", "tasks", "threads", "loop", "time"})


class Run:
    """
    One run, as a rule sees it.
    """

    def __init__(self, setting, *, before=(), load=None, hash_seed=0, is_first=False):
        self.setting = setting
        self.before = before
        self.load = load or {}
        self.hash_seed = hash_seed
        self.is_first = is_first


class Suite:
    """
    A suite of two tests, of which one fails by `rule`. It uses `used`, and says `said` when it fails; a process ends after
    so many runs, or at once under a setting with `lost_by`.
    """

    def __init__(
        self, rule, *, used=EVERYTHING, said="E  assert 1 == 2", is_skipped=False, ends_after=None, lost_by=""
    ):
        self.collected = [OTHER, TEST]
        self._rule = rule
        self._used = used
        self._said = said
        self._is_skipped = is_skipped
        self._ends_after = ends_after
        self._lost_by = lost_by

    def run(self, test, settings, *, before=(), load=None, turns=None):
        assert test == TEST
        trials = []
        for number, setting in enumerate(settings):
            if self._lost_by and self._lost_by in setting:
                return [Trial(failed=True, setting=setting, text="its process was lost", is_first=True)]
            run = Run(setting, before=before, load=load, is_first=number == 0)
            trials.append(self._trial(run))
            if self._ends_after is not None and number + 1 == self._ends_after:
                break
        return trials

    def interpret(self, tests, *, hash_seed):
        return {test: self._trial(Run({"hash": hash_seed}, hash_seed=hash_seed, is_first=True)) for test in tests}

    def _trial(self, run):
        return Trial(
            failed=self._rule(run),
            setting=run.setting,
            text=self._said,
            used=self._used,
            duration_s=0.01,
            is_first=run.is_first,
            was_skipped=self._is_skipped,
            before=tuple(run.before),
        )


def judged(rule, *, plan=None, told=None, clock=None, **suite):
    """
    The verdict on the test, and what is printed of it.
    """
    plan = plan if plan is not None else Plan(runs=60)
    campaign = Campaign(
        Suite(rule, **suite),
        plan,
        tell=(told if told is not None else []).append,
        now=lambda: NOW,
        monotonic=clock if clock is not None else lambda: 0.0,
    )
    (verdict,) = campaign.run([TEST])
    return verdict, text([verdict])


def test_a_test_that_never_fails_is_stable():
    """
    With the rate that so many runs leave possible.
    """
    verdict, said = judged(lambda run: False)

    assert verdict.class_ == "stable"
    assert verdict.cause is None
    assert f"stable: no failure in {verdict.runs} runs, at most 4.9 % in calm surroundings" in said


def test_one_that_never_passes_is_broken():
    """
    Whatever the surroundings, and with what it says.
    """
    verdict, said = judged(lambda run: True)

    assert verdict.class_ == "broken"
    assert "broken: fails 20 of 20 (100 %, 95 % interval" in said
    assert "    E  assert 1 == 2" in said


def test_one_that_is_skipped_is_not_judged():
    """
    It was never run.
    """
    verdict, said = judged(lambda run: False, is_skipped=True)

    assert verdict.class_ == "skipped"
    assert "skipped: it was not run" in said


def test_random_numbers_are_named_with_the_setting_that_shows_the_failure_again():
    """
    Six times of six; other conditions are not asked once that explains it.
    """
    verdict, said = judged(lambda run: run.setting.get("random", 0) % 5 == 4)

    assert (verdict.class_, verdict.cause.condition.name) == ("flaky", "random")
    assert "flaky, decided by random numbers (random)" in said
    assert "the same again: fails 6 of 6" in said
    assert "with the same random numbers each time: fails 0 of 60" in said
    assert "so that makes it go away" in said
    assert f"see it again: hermetic stress '{TEST}' --again '" in said
    assert '"random":4' in said
    assert "order" not in verdict.arms


def test_a_thorough_campaign_names_what_else_changes_it():
    """
    The most telling condition first, the others below it.
    """
    plan = Plan(runs=60, is_thorough=True)
    verdict, said = judged(
        lambda run: (
            (set(run.setting) <= {"random", "fraction"} and run.setting["random"] % 5 == 4)
            or "switch" in run.setting
            or run.hash_seed % 3 == 2
        ),
        plan=plan,
    )

    assert [cause.condition.name for cause in verdict.causes] == ["random", "threads", "hash"]
    assert verdict.cause.condition.name == "hash"
    assert f"see it again: PYTHONHASHSEED=2 pytest '{TEST}'" in said
    assert "also changed by random numbers (random): fails 4 of " in said
    assert "also changed by when threads take turns (threads): fails " in said
    assert "no sure difference: " in said


def test_a_test_that_only_fails_when_provoked_is_sensitive():
    """
    A port that another program has does not come about by itself.
    """
    verdict, said = judged(lambda run: "ports" in run.setting)

    assert (verdict.class_, verdict.cause.condition.name) == ("sensitive", "ports")
    assert "sensitive to a port that another program has (ports)" in said


def test_the_tests_before_it_are_named_as_the_cause():
    """
    And the command that finds which of them.
    """
    verdict, said = judged(lambda run: OTHER in run.before)

    assert verdict.class_ == "order-dependent"
    assert "order-dependent, decided by which tests run before it (order)" in said
    assert f"see it again: hermetic bisect '{TEST}'" in said


def test_one_that_needs_others_before_it_is_told_apart_from_a_broken_one():
    """
    It fails alone, in any surroundings, and passes after others.
    """
    verdict, said = judged(lambda run: not run.before)

    assert verdict.class_ == "order-dependent"
    assert f"It fails alone and passes after others: hermetic bisect '{TEST}' names them." in said


def test_the_first_run_of_a_process_is_compared_with_the_later_ones():
    """
    A cold start: what one process has not set up yet.
    """
    verdict, said = judged(lambda run: run.is_first, plan=Plan(runs=200))

    assert verdict.class_ == "cold-start"
    assert not verdict.causes
    assert "as the first run in its process" in said
    assert "in a process that has run it before: fails 0 of " in said


def test_what_changes_a_test_that_starts_cold_is_told_from_its_cold_starts():
    """
    Only runs in a process that has run it before are compared: conditions have processes of other lengths.
    """
    verdict, said = judged(
        lambda run: run.is_first or run.setting.get("random", 0) % 5 == 4, plan=Plan(runs=100, is_thorough=True)
    )

    assert verdict.cause.condition.name == "random"
    assert verdict.cause.again.failures == verdict.cause.again.runs == 6
    assert not {"cpu", "order", "hash"} & {cause.condition.name for cause in verdict.causes}
    assert "so that makes it rarer" in said


def test_a_process_that_is_lost_at_once_counts_as_a_failure_of_the_condition():
    """
    Also of a test that starts cold, whose first runs tell nothing otherwise.
    """
    verdict, _ = judged(lambda run: run.is_first, plan=Plan(runs=100, only=frozenset({"tasks"})), lost_by="interleave")

    assert verdict.cause.condition.name == "tasks"


def test_a_busy_machine_whose_failures_go_away_with_longer_waits_is_a_matter_of_time():
    """
    It waits too short. Each second run fails under load.
    """
    turn = itertools.count()
    verdict, said = judged(lambda run: "cpu" in run.load and "waits" not in run.setting and next(turn) % 2 == 0)

    assert (verdict.class_, verdict.cause.condition.name) == ("timing", "cpu")
    assert "timing, decided by a busy machine (cpu)" in said
    assert "with waits and timeouts times 10: fails 0 of " in said
    assert "that makes it go away as well: it waits too short" in said
    assert f"see it again: hermetic stress '{TEST}' --only cpu" in said


def test_a_busy_machine_whose_failures_stay_with_longer_waits_is_none():
    """
    What races there does not wait.
    """
    turn = itertools.count()
    verdict, said = judged(lambda run: "cpu" in run.load and next(turn) % 2 == 0)

    assert (verdict.class_, verdict.cause.condition.name) == ("flaky", "cpu")
    assert "that changes nothing" in said


def test_the_hash_seed_is_asked_in_new_interpreters():
    """
    One seed for each, and the failing one six times more.
    """
    verdict, said = judged(lambda run: run.hash_seed % 4 == 3)

    assert (verdict.class_, verdict.cause.condition.name) == ("flaky", "hash")
    assert f"see it again: PYTHONHASHSEED=3 pytest '{TEST}'" in said


def test_what_a_new_interpreter_fails_with_any_seed_is_not_the_seeds_doing():
    """
    Those failures are the first runs of a process.
    """
    verdict, _ = judged(lambda run: "hash" in run.setting)

    assert "hash" in verdict.arms
    assert verdict.class_ == "cold-start"
    assert (verdict.first.runs, verdict.first.failures) == (16, 6)


def test_failures_that_no_condition_changes_are_told_as_such():
    """
    Flaky, in calm surroundings too.
    """
    turn = itertools.count()
    verdict, said = judged(lambda run: next(turn) % 7 == 6)

    assert verdict.class_ == "flaky"
    assert verdict.cause is None
    assert "in calm surroundings" in said
    assert "None of the conditions changes that: what decides is beyond them." in said


def test_a_failure_by_rounding_names_what_compares_such_numbers():
    """
    The two differ by less than a billionth.
    """
    rule = lambda run: run.setting.get("random", 0) % 5 == 4  # noqa: E731 - one rule
    _, said = judged(rule, said="E  assert 0.30000000000000004 == 0.3")
    _, apart = judged(rule, said="E  assert 0.31 == 0.3")

    assert "compare with pytest.approx() or math.isclose()" in said
    assert "pytest.approx" not in apart


def test_conditions_that_the_test_cannot_meet_are_left_and_named():
    """
    It uses no port, no thread, no clock.
    """
    verdict, said = judged(lambda run: False, used=frozenset({"random"}))

    assert {"ports", "threads", "clock", "tasks"} <= set(verdict.unmet)
    assert "random" in verdict.arms
    assert "does not meet: clock, step, date, zone, ports" in said


def test_only_what_is_asked_for_is_tried():
    """
    `--only` leaves the rest, new interpreters too.
    """
    told = []
    verdict, _ = judged(lambda run: False, plan=Plan(runs=20, only=frozenset({"tasks"})), told=told)

    assert set(verdict.arms) == {"tasks"}
    assert told == [f"{TEST}: calm", f"{TEST}: the order in which asynchronous tasks go on"]


def test_one_that_passes_once_in_a_process_and_never_again_gets_a_process_for_each_run():
    """
    What it leaves behind would be taken for a condition.
    """
    verdict, said = judged(lambda run: not run.is_first)

    assert not verdict.is_repeatable
    assert verdict.class_ == "stable"
    assert "It passes once in a process and never again: it does not put back what it changes." in said


def test_when_the_time_is_up_nothing_new_begins():
    """
    And what was not seen is not called stable.
    """
    seconds = itertools.count()
    verdict, _ = judged(lambda run: False, plan=Plan(seconds=3.0), clock=lambda: float(next(seconds)))

    assert verdict.class_ == "unknown"
    assert not verdict.arms


def test_a_condition_is_given_up_after_its_seconds():
    """
    But not before twenty runs, which is what any rate can be told from.
    """
    seconds = itertools.count()
    verdict, _ = judged(
        lambda run: False,
        plan=Plan(runs=400, arm_seconds=1.0, only=frozenset({"random"})),
        clock=lambda: float(next(seconds)),
    )

    assert verdict.arms["random"].runs == 20
    assert verdict.calm.runs == 40


def test_a_process_that_is_lost_in_the_middle_costs_its_other_runs_only():
    """
    Each process ends after three runs here.
    """
    verdict, _ = judged(lambda run: run.setting.get("random", 0) % 5 == 4, ends_after=3)

    assert verdict.cause.condition.name == "random"
    assert verdict.cause.again.runs == 6


@pytest.mark.parametrize("rule", [lambda run: False, lambda run: run.setting.get("random", 0) % 5 == 4])
def test_the_json_says_what_the_text_does(rule):
    """
    Rates from 0 to 1, and for each cause the command that shows it.
    """
    verdict, said = judged(rule)
    (told,) = json.loads(as_json([verdict]))["tests"]

    assert (told["test"], told["class"]) == (TEST, verdict.class_)
    assert told["calm"]["runs"] == verdict.calm.runs
    assert all(0.0 <= bound <= 1.0 for bound in told["calm"]["interval"])
    assert told["cause"] == (verdict.cause.condition.name if verdict.cause else None)
    for cause in told["causes"]:
        assert cause["command"] in said
        assert cause["again"]["failures"] == 6
        assert cause["with_longer_waits"] is None
        assert cause["setting"]["random"] % 5 == 4
        assert cause["probability_by_chance"] < 0.0005
