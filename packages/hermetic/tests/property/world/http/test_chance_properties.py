"""
What holds for draws, limits and queues whatever the requests.
"""

from __future__ import annotations

from hermetic.foundation import ListSink, NullSink, SystemClock
from hermetic.world.http import distributions as d
from hermetic.world.http import rate_limits as limits
from hermetic.world.http.draws import SeededDraws
from hermetic.world.http.queueing import Queue, load
from hermetic.world.http.rate_limits import Instant, RateLimiter
from hermetic.world.http.schedule import Schedule
from hermetic.world.http.shrinking import shrink
from hypothesis import given
from hypothesis import strategies as st

CLIENTS = st.lists(st.sampled_from(["@a", "@b", "@c", "GET /ip"]), min_size=1, max_size=40)
DISTRIBUTIONS = st.sampled_from(
    [
        d.constant(0.1),
        d.uniform(0, 2),
        d.normal(0.1, 0.5, high=0.6),
        d.lognormal(median=0.1, p99=1),
        d.gamma(mean=0.3, shape=0.2),
        d.gamma(mean=0.3, shape=9),
        d.percentiles({0: 0.1, 50: 0.2, 99: 3}),
        d.recorded([0.1, 0.7]),
    ]
)
GAPS = st.lists(st.floats(0, 5), min_size=1, max_size=60)


def source(seed: int, *, sink=None, schedule=None) -> SeededDraws:
    return SeededDraws(seed, server="api", clock=SystemClock(), sink=sink or NullSink(), schedule=schedule)


@given(seed=st.integers(), order=CLIENTS, data=st.data())
def test_any_interleaving_gives_every_request_the_same_draws(seed, order, data):
    """
    The requests of each client in their own order, mixed in any way.
    """
    other = data.draw(st.permutations(order))
    drawn = []
    for arrivals in (order, other):
        draws = source(seed)
        lots = [draws.next_of(who, route="r") for who in arrivals]
        drawn.append({lot.identity: lot.uniform("p") for lot in lots})

    assert drawn[0] == drawn[1]


@given(seed=st.integers(), distribution=DISTRIBUTIONS, who=st.text(), route=st.text())
def test_durations_are_finite_and_not_negative(seed, distribution, who, route):
    """
    For every distribution, seed and name.
    """
    assert 0 <= source(seed).next_of(who, route=route).seconds("latency", distribution) < float("inf")


@given(seed=st.integers(), other=st.integers(), arrivals=CLIENTS, rate=st.floats(0, 1))
def test_a_ledger_replays_itself(seed, other, arrivals, rate):
    """
    A schedule made of a run gives the run again under any seed, and its own ledger is the same schedule.
    """

    def run(draws: SeededDraws) -> list[object]:
        lots = [draws.next_of(who, route="r") for who in arrivals]
        return [(lot.happens("f", rate), lot.seconds("l", d.uniform(0, 1)), lot.pick("x", ["a", "b"])) for lot in lots]

    first, second = ListSink(), ListSink()
    rows = run(source(seed, sink=first))
    schedule = Schedule.from_events(first.events)

    assert rows == run(source(other, sink=second, schedule=schedule))
    assert schedule == Schedule.from_events(second.events)


@given(arrivals=st.integers(1, 30), guilty=st.sets(st.integers(0, 29), max_size=4))
def test_what_shrinking_leaves_fails_and_nothing_of_it_can_be_left_out(arrivals, guilty):
    """
    1-minimal, for joint causes of any size.
    """
    sink = ListSink()
    draws = source(1, sink=sink)
    for _ in range(arrivals):
        draws.next_of("@a", route="r").happens("f", 1)
    wanted = {nth for nth in guilty if nth < arrivals}
    result = shrink(Schedule.from_events(sink.events), lambda s: wanted <= {entry.identity.nth for entry in s})

    assert wanted == {entry.identity.nth for entry in result.schedule}


@given(
    gaps=GAPS,
    limit=st.sampled_from(
        [
            limits.fixed_window(3, 2.5),
            limits.fixed_window(3, 2.5, aligned=True),
            limits.sliding_window(3, 2.5),
            limits.token_bucket(1.3, burst=3),
            limits.quota(3, "minute"),
        ]
    ),
)
def test_a_refused_client_is_allowed_after_exactly_its_wait_and_not_before(gaps, limit):
    """
    Retry-After is neither too short nor, by more than rounding, too long, for every kind of limit.
    """
    limiter, now = RateLimiter(limit), 7.0
    for gap in gaps:
        now += gap
        allowance = limiter.take("a", Instant(now, 1e9 + now))
        if not allowance.is_allowed:
            wait = allowance.retry_after_s
            early = now + wait - 1e-3

            assert wait > 0
            if early > now:
                assert not limiter.take("a", Instant(early, 1e9 + early)).is_allowed

            now += wait + 1e-6

            assert limiter.take("a", Instant(now, 1e9 + now)).is_allowed


@given(gaps=GAPS, window=st.floats(0.5, 4))
def test_no_stretch_of_a_sliding_window_holds_more_than_its_quota(gaps, window):
    """
    Counted by hand over the allowed requests.
    """
    limiter, now, passed = RateLimiter(limits.sliding_window(3, window)), 0.0, []
    for gap in gaps:
        now += gap
        if limiter.take("a", Instant(now, now)).is_allowed:
            passed.append(now)

    assert all(sum(start <= t < start + window for t in passed) <= 3 or window < 1e-9 for start in passed)


@given(
    arrivals=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=60),
    workers=st.integers(1, 4),
    room=st.integers(0, 5) | st.none(),
)
def test_a_queue_never_works_on_more_than_its_workers_nor_holds_more_than_its_room(arrivals, workers, room):
    """
    Checked against the intervals that it told; and nobody waits while a worker is idle.
    """
    queue, now, intervals = Queue(load(workers, service_time=1, queue=room)), 0.0, []
    for gap, service in arrivals:
        now += gap
        place = queue.arrive(now, service_s=service)
        if not place.is_refused:
            begin = now + place.wait_s
            intervals.append((now, begin, begin + service))
            if place.wait_s > 1e-9:
                assert workers <= sum(b <= now < e + 1e-9 for _, b, e in intervals[:-1])
    for _, begin, _ in intervals:
        assert sum(b <= begin < e - 1e-9 for _, b, e in intervals) <= workers
    if room is not None:
        for came, _, _ in intervals:
            assert sum(a <= came < b - 1e-9 for a, b, _ in intervals) <= room
