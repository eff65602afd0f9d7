"""
A ledger becomes a schedule, a schedule takes the place of chance, and shrinks to what matters.
"""

from __future__ import annotations

import json

import pytest
from hermetic.foundation import ListSink, NullSink, SystemClock
from hermetic.world.http.bounds import BoundsError
from hermetic.world.http.distributions import uniform
from hermetic.world.http.draws import SeededDraws
from hermetic.world.http.identity import Identity
from hermetic.world.http.schedule import Entry, Schedule, ScheduleError
from hermetic.world.http.shrinking import NothingFailsError, ashrink, shrink


def run(seed: int, schedule: Schedule | None = None) -> tuple[list[tuple[bool, float, str]], ListSink]:
    sink = ListSink()
    source = SeededDraws(seed, server="api", clock=SystemClock(), sink=sink, schedule=schedule)
    rows = []
    for who in ("@a", "@b"):
        for _ in range(50):
            lot = source.next_of(who, route="GET /ip")
            rows.append(
                (lot.happens("fault", 0.1), lot.seconds("latency", uniform(0, 1)), lot.pick("body", ["x", "y"]))
            )
    return rows, sink


def entries(count: int) -> list[Entry]:
    return [Entry(Identity("api", "r", "@a", nth), "fault", outcome=True) for nth in range(count)]


def test_a_run_is_repeated_by_its_schedule_whatever_the_seed():
    """
    The ledger of one run decides the next one: same faults, same delays, same picks.
    """
    rows, sink = run(1)
    again, _ = run(999, Schedule.from_events(sink.events))

    assert rows == again


def test_what_a_schedule_does_not_name_does_not_happen():
    """
    No fault, no delay, no pick.
    """
    rows, _ = run(1, Schedule([]))

    assert {(False, 0.0, "")} == set(rows)


def test_a_schedule_survives_its_file(tmp_path):
    """
    Written and read back it is the same, and the file is sorted, so that two can be compared.
    """
    schedule = Schedule.from_events(run(1)[1].events)
    path = tmp_path / "schedule.jsonl"
    schedule.save(path)

    assert schedule == Schedule.load(path)
    rows = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    keys = [(row["server"], row["route"], row["who"], row["nth"], row["purpose"]) for row in rows]
    assert sorted(keys) == keys


ROW = {"server": "api", "route": "r", "who": "@a", "nth": 0, "purpose": "p", "outcome": True}


@pytest.mark.parametrize(
    "lines, text",
    [
        ([], r"not a schedule of version 1 \(.*s.jsonl:1\)"),
        (["{}"], r"not a schedule of version 1"),
        (['{"hermetic": "schedule", "version": 2}'], r"not a schedule of version 1"),
        ([None, "nonsense"], r"not JSON: .*s.jsonl:2"),
        ([None, "[]"], r"not an object"),
        ([None, json.dumps({**ROW, "odd": 1})], r"missing or unknown keys: odd"),
        ([None, json.dumps({**ROW, "nth": "0"})], r"nth is '0'.*must be a int"),
        ([None, json.dumps({**ROW, "nth": True})], r"nth is True"),
        ([None, json.dumps({**ROW, "outcome": None})], r"outcome is None"),
        ([None, json.dumps(ROW), json.dumps({**ROW, "outcome": False})], r"contradicts an earlier entry"),
    ],
)
def test_a_broken_schedule_file_is_refused_with_its_line(tmp_path, lines, text):
    """
    Which line, what is wrong with it, and what would be right.
    """
    path = tmp_path / "s.jsonl"
    path.write_text("\n".join('{"hermetic": "schedule", "version": 1}' if x is None else x for x in lines))

    with pytest.raises(ScheduleError, match=text):
        Schedule.load(path)


def test_an_outcome_of_the_wrong_type_is_refused_when_it_is_needed():
    """
    A delay of True seconds is a mistake in the file and not one second.
    """
    schedule = Schedule([Entry(Identity("api", "r", "@a", 0), "latency", outcome=True)])
    source = SeededDraws(1, server="api", clock=SystemClock(), sink=NullSink(), schedule=schedule)

    with pytest.raises(ScheduleError, match=r"latency = True is of the wrong type"):
        source.next_of("@a", route="r").seconds("latency", uniform(0, 1))


def test_whole_seconds_written_without_a_point_are_seconds():
    """
    JSON has one kind of number; someone who edits the file writes 2.
    """
    schedule = Schedule([Entry(Identity("api", "r", "@a", 0), "latency", 2)])

    assert schedule.outcome(Identity("api", "r", "@a", 0), "latency", 0.0) == 2.0


@pytest.mark.parametrize("culprits", [{3}, {0, 63}, {5, 6, 40}, set(range(0, 64, 9))])
def test_shrinking_finds_exactly_the_entries_that_matter(culprits):
    """
    Alone or jointly guilty among 64, within n² + 3n probes of the literature's bound.
    """
    result = shrink(Schedule(entries(64)), lambda s: culprits <= {entry.identity.nth for entry in s})

    assert culprits == {entry.identity.nth for entry in result.schedule}
    assert result.is_minimal
    assert result.probes <= 64 * 64 + 3 * 64


def test_a_single_culprit_is_found_in_logarithmic_time():
    """
    Among 1,024 entries in no more than about 2 log2 n probes.
    """
    result = shrink(Schedule(entries(1024)), lambda s: any(entry.identity.nth == 700 for entry in s))

    assert len(result.schedule) == 1
    assert result.probes <= 24


def test_a_failure_without_any_cause_shrinks_to_nothing():
    """
    What fails under the empty schedule too is not the server's doing.
    """
    assert len(shrink(Schedule(entries(8)), lambda _: True).schedule) == 0


def test_a_schedule_that_does_not_fail_is_not_shrunk():
    """
    It says so, instead of returning something.
    """
    with pytest.raises(NothingFailsError, match=r"<Schedule of 4 entries from .*> does not fail"):
        shrink(Schedule(entries(4)), lambda _: False)


def test_shrinking_stops_at_its_budget_with_something_that_still_fails():
    """
    An unfinished result is a failing one, and says that it is not minimal.
    """

    def fails(schedule: Schedule) -> bool:
        return {1, 2, 60} <= {entry.identity.nth for entry in schedule}

    result = shrink(Schedule(entries(64)), fails, max_probes=6)

    assert (result.is_minimal, result.probes) == (False, 6)
    assert fails(result.schedule)


def test_a_budget_below_one_is_refused():
    """
    The first probe asks whether it fails at all.
    """
    with pytest.raises(BoundsError, match=r"shrink\(max_probes\) got 0"):
        shrink(Schedule(entries(4)), lambda _: True, max_probes=0)


async def test_shrinking_can_await():
    """
    With asynchronous probes the result is the same.
    """

    async def fails(schedule: Schedule) -> bool:
        return any(entry.identity.nth == 2 for entry in schedule)

    result = await ashrink(Schedule(entries(9)), fails)

    assert {2} == {entry.identity.nth for entry in result.schedule}
