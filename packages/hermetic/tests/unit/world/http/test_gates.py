"""
Gates decide at arrival, tell the ledger, and follow a schedule.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hermetic.foundation import ListSink, SystemClock
from hermetic.world.http import distributions, rate_limits, shapes
from hermetic.world.http.draws import SeededDraws
from hermetic.world.http.gates import QueueGate, RateLimitGate, WeatherGate
from hermetic.world.http.ports import Admitted, Refused
from hermetic.world.http.queueing import load
from hermetic.world.http.schedule import Schedule


class HandClock(SystemClock):
    """
    Stands where it is put.
    """

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_700_000_000.0 + self.now


def request(client: str | None = None) -> SimpleNamespace:
    return SimpleNamespace(method="GET", target="/ip", body=b"", client=client)


class Scene:
    def __init__(self, make, *, schedule: Schedule | None = None) -> None:
        self.clock, self.sink = HandClock(), ListSink()
        self.gate = make(self.clock)
        self.draws = SeededDraws(3, server="api", clock=self.clock, sink=self.sink, schedule=schedule)

    def enter(self, at: float, client: str | None = None) -> Admitted | Refused:
        self.clock.now = at
        asked = request(client)
        return self.gate.enter(asked, at_s=at, draw=self.draws.draw_for(asked, route="GET /ip"))


def limited(clock) -> RateLimitGate:
    return RateLimitGate(rate_limits.fixed_window(1, 10), clock=clock)


def loaded(_clock) -> QueueGate:
    return QueueGate(load(1, service_time=distributions.constant(2), queue=1))


def test_a_rate_limit_refuses_with_429_and_says_when():
    """
    The allowed reply tells the standing, the refusal tells when to come again.
    """
    scene = Scene(limited)
    first, second, third = scene.enter(0), scene.enter(4), scene.enter(10)

    assert Admitted(headers=(("RateLimit-Policy", '"fixed";q=1;w=10'), ("RateLimit", '"fixed";r=0;t=10'))) == first
    assert isinstance(second, Refused)
    assert (second.reply.status, second.reply.header("Retry-After"), second.reason) == (429, "6", "rate limit fixed")
    assert isinstance(third, Admitted)


def test_a_rate_limit_counts_clients_apart():
    """
    By label, unless a key is given.
    """
    scene = Scene(limited)

    assert [Admitted, Admitted, Refused] == [type(scene.enter(0, who)) for who in ("a", "b", "a")]


def test_a_date_can_tell_when_to_come_again():
    """
    Retry-After in its other form.
    """
    scene = Scene(lambda clock: RateLimitGate(rate_limits.fixed_window(1, 10), clock=clock, form="date"))
    scene.enter(0)
    refused = scene.enter(1)

    assert isinstance(refused, Refused)
    assert refused.reply.header("Retry-After") == "Tue, 14 Nov 2023 22:13:30 GMT"


def test_a_queue_lets_wait_work_and_refuse():
    """
    One worker of two seconds with a queue of one: served, waiting, refused.
    """
    scene = Scene(loaded)
    first, second, third = scene.enter(0), scene.enter(0.5), scene.enter(0.5)

    assert (Admitted(wait_s=2.0), Admitted(wait_s=3.5)) == (first, second)
    assert isinstance(third, Refused)
    assert (third.reply.status, third.reply.header("Retry-After"), third.reason) == (503, "2", "queue full")


def test_weather_holds_refuses_and_errs():
    """
    A pause is waited for, an outage refused, errors are drawn.
    """
    shape = shapes.together(shapes.pause(1, 2), shapes.outage(5, 1), shapes.brown_out(8, 1, error_rate=1))
    scene = Scene(lambda clock: WeatherGate(shape, clock=clock))

    assert (Admitted(), Admitted(wait_s=1.5)) == (scene.enter(0), scene.enter(1.5))
    assert [(met.reply.status, met.reason) for met in (scene.enter(5), scene.enter(8)) if isinstance(met, Refused)] == [
        (503, "outage"),
        (500, "error in bad weather"),
    ]


def test_weather_stretches_delays():
    """
    By its factor and its extra seconds.
    """
    gate = WeatherGate(shapes.ramp(10, factor=3, extra_s=1), clock=SystemClock())

    assert gate.apply(0.5, elapsed_s=5, nth=0) == 0.5 * 2 + 0.5


@pytest.mark.parametrize("make", [limited, loaded, lambda c: WeatherGate(shapes.recovery(1, 1, over=4), clock=c)])
def test_a_schedule_repeats_a_gates_verdicts_at_any_pace(make):
    """
    In the second run all requests come at once, but each meets what it met in the first.
    """
    first = Scene(make)
    met = [first.enter(at) for at in (0, 0.2, 0.4, 1.5, 2.5, 3, 11, 11.5)]
    second = Scene(make, schedule=Schedule.from_events(first.sink.events))
    again = [second.enter(0) for _ in met]

    assert {Admitted, Refused} == {type(one) for one in met}
    assert [(type(one), one.wait_s) for one in met] == [(type(one), one.wait_s) for one in again]
