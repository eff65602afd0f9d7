"""
The simulated line and the pools its addresses come from.
"""

from __future__ import annotations

import ipaddress
import random

import pytest
from ip_monitor.domain.addresses import AddressPolicy, Family
from ip_monitor.testing import (
    CARRIER_GRADE_NAT,
    DATA_CENTRE,
    IPV6_PREFIX,
    PLAY_RANGES,
    RESIDENTIAL,
    AddressPool,
    AddressStep,
    SimulatedLine,
)


class Hand:
    """
    A clock that is turned by hand.
    """

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, delay: float) -> None:
        self.now += delay


@pytest.fixture
def hand():
    return Hand()


def test_the_same_seed_takes_the_same_addresses(hand):
    """
    So a simulation can be repeated.
    """
    lines = [SimulatedLine(seed=5, clock=hand) for _ in range(2)]
    for line in lines:
        line.plan(1.0, 2.0, 3.0)
    hand.now += 10

    assert lines[0].steps(Family.V4) == lines[1].steps(Family.V4)
    assert lines[0].changes(Family.V4) == 3


def test_planned_changes_happen_when_their_time_comes(hand):
    """
    Not before, and each is another address.
    """
    line = SimulatedLine(clock=hand)
    planned = [step.address for step in line.plan(4.0, 9.0)]
    seen = []
    for second in (3.9, 4.0, 8.9, 9.0):
        hand.now = 100.0 + second
        seen.append(line.address(Family.V4))

    assert seen == [seen[0], planned[0], planned[0], planned[1]]
    assert len({seen[0], *planned}) == 3


def test_what_was_true_a_while_ago_can_be_asked(hand):
    """
    For services that answer from a cache.
    """
    line = SimulatedLine(clock=hand)
    first = line.address(Family.V4)
    hand.now += 5
    second = line.change()

    assert line.address(Family.V4) == second
    assert line.address(Family.V4, ago_s=1.0) == first
    assert line.address(Family.V4, ago_s=1000.0) == first


def test_a_scene_can_name_its_addresses(hand):
    """
    Flapping between two of them, for example.
    """
    line = SimulatedLine(clock=hand)
    a, b = ipaddress.ip_address("203.0.113.1"), ipaddress.ip_address("203.0.113.2")
    line.plan_addresses(AddressStep(at_s=at_s, address=address) for at_s, address in ((1, a), (2, b), (3, a)))
    hand.now += 10

    assert [step.address for step in line.steps(Family.V4)][1:] == [a, b, a]


def test_times_that_do_not_rise_are_refused(hand):
    """
    A plan that could never happen as written is a mistake.
    """
    with pytest.raises(ValueError, match="give rising times"):
        SimulatedLine(clock=hand).plan(5.0, 5.0)


@pytest.mark.parametrize("pool", [RESIDENTIAL, DATA_CENTRE, IPV6_PREFIX, CARRIER_GRADE_NAT], ids=lambda pool: pool.name)
def test_a_pool_draws_within_its_range_and_never_the_same_twice_running(pool):
    """
    Every draw is another address of the range.
    """
    rng = random.Random(1)
    last = None
    for _ in range(200):
        address = pool.draw(rng, other_than=last)
        assert address in pool.network
        assert address != last
        last = address


def test_play_ranges_make_the_pools_public_and_carrier_grade_nat_stays_private():
    """
    A monitor told of them accepts what the pools give, and still refuses shared addresses.
    """
    policy, rng = AddressPolicy(PLAY_RANGES), random.Random(2)

    assert all(policy.refusal(pool.draw(rng)) is None for pool in (RESIDENTIAL, DATA_CENTRE, IPV6_PREFIX))
    assert "carrier-grade NAT" in (policy.refusal(CARRIER_GRADE_NAT.draw(rng)) or "")


def test_a_privacy_address_keeps_its_prefix():
    """
    The host part is new, the delegated network is not.
    """
    rng = random.Random(3)
    address = IPV6_PREFIX.draw(rng)
    other = IPV6_PREFIX.host_in(address, rng)

    assert other != address
    assert int(other) >> 64 == int(address) >> 64


def test_a_pool_of_one_says_that_it_is_too_small():
    """
    Instead of drawing for ever.
    """
    pool = AddressPool("tiny", ipaddress.ip_network("203.0.113.0/30"))
    rng = random.Random(4)
    (first, second) = ipaddress.ip_address("203.0.113.1"), ipaddress.ip_address("203.0.113.2")

    assert pool.draw(rng, other_than=first) == second
    with pytest.raises(ValueError, match="has no address other than"):
        AddressPool("single", ipaddress.ip_network("203.0.113.0/31").supernet()).draw(_Stuck(), other_than=first)


class _Stuck(random.Random):
    def randrange(self, *_args):
        return 1
