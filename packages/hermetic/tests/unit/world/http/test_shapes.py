"""
Conditions over time and over requests.
"""

from __future__ import annotations

import math

import pytest
from hermetic.world.http import shapes
from hermetic.world.http.bounds import BoundsError
from hermetic.world.http.shapes import FAIR, Conditions, Moment


def at(shape, *moments: float, by: str = "time") -> list[Conditions]:
    return [shape.at(Moment(m, 0) if by == "time" else Moment(0.0, int(m))) for m in moments]


def test_warm_up_comes_down_to_normal():
    """
    Five times as slow at the start, three times half-way, normal at the end and ever after.
    """
    assert [c.factor for c in at(shapes.warm_up(10, factor=5), 0, 5, 10, 99)] == [5.0, 3.0, 1.0, 1.0]


def test_a_shape_can_run_over_requests_instead_of_time():
    """
    By request count, time does not matter.
    """
    cold = shapes.warm_up(10, factor=5, by="requests")

    assert [c.factor for c in at(cold, 0, 5, 10, by="requests")] == [5.0, 3.0, 1.0]
    assert cold.at(Moment(1000.0, 0)).factor == 5.0


def test_ramp_grows_from_its_begin_and_stays():
    """
    Delays grow by factor and by seconds at once.
    """
    steps = at(shapes.ramp(10, factor=3, extra_s=1, begin=5), 0, 5, 10, 15, 99)

    assert [(c.factor, c.extra_s) for c in steps] == [(1.0, 0.0), (1.0, 0.0), (2.0, 0.5), (3.0, 1.0), (3.0, 1.0)]


def test_windows_hold_their_first_instant_and_not_their_last():
    """
    [begin, begin + length).
    """
    assert [c.is_down for c in at(shapes.outage(5, 10), 4.99, 5, 14.99, 15)] == [False, True, True, False]


def test_a_window_comes_again():
    """
    With `every`, counted from the first begin.
    """
    down = [c.is_down for c in at(shapes.outage(5, 2, every=10), 0, 5, 7, 15, 16.9, 17, 105)]

    assert down == [False, True, False, True, True, False, True]


def test_brown_out_is_slow_and_errs_inside_its_window():
    """
    And fair outside.
    """
    inside = Conditions(factor=4, extra_s=0.5, error_rate=0.3)

    assert [FAIR, inside, FAIR] == at(shapes.brown_out(1, 1, factor=4, extra_s=0.5, error_rate=0.3), 0, 1.5, 2)


def test_a_pause_holds_everyone_until_its_end():
    """
    Who comes early in the window waits longer, and all are released together.
    """
    assert [c.paused_s for c in at(shapes.pause(3, 2), 2.9, 3, 4.5, 5)] == [0.0, 2.0, 0.5, 0.0]


def test_recovery_is_an_outage_with_a_way_back():
    """
    Fair, then down, then errors that fade away.
    """
    steps = at(shapes.recovery(10, 5, over=10, error_rate=0.8), 0, 9.9, 10, 14.9, 15, 20, 25, 99)

    assert [c.is_down for c in steps] == [False, False, True, True, False, False, False, False]
    assert [c.error_rate for c in steps] == [0.0, 0.0, 0.0, 0.0, 0.8, 0.4, 0.0, 0.0]


def test_shapes_together_multiply_add_and_strike_independently():
    """
    Factors multiply, seconds add, error rates combine as independent, down is down.
    """
    both = shapes.together(
        shapes.brown_out(0, 10, factor=2, extra_s=1, error_rate=0.5),
        shapes.brown_out(0, 10, factor=3, extra_s=1, error_rate=0.5),
        shapes.pause(0, 10),
    )

    assert [Conditions(factor=6, extra_s=2, error_rate=0.75, paused_s=10)] == at(both, 0)


def test_a_zone_goes_down_together_and_zones_apart():
    """
    Every server of a zone has the same bad slots, in a share of `rate`; another zone has others.
    """

    def slots(zone: str) -> list[bool]:
        shape = shapes.correlated_outage(zone, rate=0.25, slot_s=10, seed=4)
        return [c.is_down for c in at(shape, *(10.0 * n + 9.9 for n in range(2000)))]

    assert slots("eu") == slots("eu")
    assert slots("eu") != slots("us")
    assert abs(sum(slots("eu")) - 500) < 4 * math.sqrt(2000 * 0.25 * 0.75)


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: shapes.warm_up(0, factor=2), r"warm_up\(over\) got 0"),
        (lambda: shapes.ramp(1, factor=-1), r"ramp\(factor\) got -1"),
        (lambda: shapes.brown_out(0, 1, error_rate=2), r"brown_out\(error_rate\) got 2"),
        (lambda: shapes.outage(-1, 1), r"outage\(begin\) got -1"),
        (lambda: shapes.outage(0, 10, every=5), r"outage\(every\) got 5. Give more than the window's length"),
        (lambda: shapes.pause(0, math.inf), r"pause\(length\) got inf"),
        (lambda: shapes.correlated_outage("eu", rate=2, slot_s=1, seed=1), r"correlated_outage\(rate\) got 2"),
        (lambda: shapes.recovery(0, 1, over=-1), r"recovery\(over\) got -1"),
    ],
)
def test_bad_shapes_are_refused(make, text):
    """
    By name, with the value and what would be right.
    """
    with pytest.raises(BoundsError, match=text):
        make()
