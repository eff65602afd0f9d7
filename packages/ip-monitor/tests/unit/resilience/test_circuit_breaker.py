"""
Leaving alone what keeps failing.
"""

from __future__ import annotations

import asyncio
import random

import pytest
from ip_monitor.resilience.circuit_breaker import (
    BreakerRecord,
    BreakerRefusedError,
    BreakerSettings,
    BreakerState,
    CircuitBreaker,
    CircuitOpenError,
)

SETTINGS = BreakerSettings(failure_threshold=3, recovery_s=10, longest_recovery_s=35, jitter=0)


@pytest.fixture
def breaker(clock):
    return CircuitBreaker("api", clock=clock, settings=SETTINGS)


def fail(breaker, times=1, **fields):
    for _ in range(times):
        breaker.acquire().failed(**fields)


def test_it_opens_after_the_threshold_of_failures_in_a_row(breaker):
    """
    A success in between starts the count again.
    """
    fail(breaker, 2)
    breaker.acquire().succeeded()
    fail(breaker, 2)
    assert BreakerState.CLOSED is breaker.state

    fail(breaker)

    assert BreakerState.OPEN is breaker.state
    with pytest.raises(CircuitOpenError, match=r"10\.0 s") as caught:
        breaker.acquire()
    assert caught.value.retry_in_s == 10


async def test_total_failure_opens_it(breaker):
    """
    A call that returns without an answer is a failure, not a success: five silent providers open the breaker.
    """

    async def nothing():
        return None

    for _ in range(3):
        assert await breaker.call(nothing) is None

    assert BreakerState.OPEN is breaker.state


async def test_exceptions_count_and_pass_through(breaker):
    """
    The caller sees what was raised.
    """

    async def broken():
        raise OSError("down")

    for _ in range(3):
        with pytest.raises(OSError, match="down"):
            await breaker.call(broken)
    with pytest.raises(CircuitOpenError):
        await breaker.call(broken)

    assert (breaker.statistics().failures, breaker.statistics().rejections) == (3, 1)


def test_half_open_lets_one_probe_through(breaker, clock):
    """
    The second one has to wait for the first one's outcome.
    """
    fail(breaker, 3)
    clock.advance(10)
    assert BreakerState.HALF_OPEN is breaker.state
    probe = breaker.acquire()
    with pytest.raises(CircuitOpenError):
        breaker.acquire()

    probe.succeeded()

    assert BreakerState.CLOSED is breaker.state
    breaker.acquire().succeeded()


def test_a_failed_probe_doubles_the_recovery_time_up_to_its_bound(breaker, clock):
    """
    10, 20, then 35 s and not 40; a success sets it back to 10.
    """
    fail(breaker, 3)
    waits = []
    for _ in range(4):
        waits.append(breaker.statistics().retry_in_s)
        clock.advance(waits[-1])
        fail(breaker)
    assert waits == [10, 20, 35, 35]

    clock.advance(35)
    breaker.acquire().succeeded()
    fail(breaker, 3)
    assert breaker.statistics().retry_in_s == 10


def test_retry_after_opens_it_at_once_for_that_long(breaker):
    """
    Who asks to be left alone is left alone, up to the longest recovery time.
    """
    fail(breaker, retry_after_s=25)
    assert breaker.statistics().retry_in_s == 25
    breaker.reset()
    fail(breaker, retry_after_s=10_000)

    assert breaker.statistics().retry_in_s == 35


def test_a_straggler_neither_closes_nor_reopens_it(breaker, clock):
    """
    Attempts from before the opening report late; only the probe decides.
    """
    slow_good, slow_bad = breaker.acquire(), breaker.acquire()
    fail(breaker, 3)
    slow_good.succeeded()
    assert BreakerState.OPEN is breaker.state
    clock.advance(10)
    probe = breaker.acquire()
    slow_bad.failed()
    with pytest.raises(CircuitOpenError):
        breaker.acquire()
    probe.succeeded()

    assert BreakerState.CLOSED is breaker.state


async def test_a_cancelled_probe_is_neither_success_nor_failure(breaker, clock):
    """
    The next one probes.
    """
    fail(breaker, 3)
    clock.advance(10)
    task = asyncio.create_task(breaker.call(asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert BreakerState.HALF_OPEN is breaker.state
    breaker.acquire().succeeded()
    assert BreakerState.CLOSED is breaker.state


def test_only_the_first_report_of_an_attempt_counts(breaker):
    """
    Reporting twice changes nothing.
    """
    attempt = breaker.acquire()
    attempt.succeeded()
    attempt.failed()
    attempt.abandoned()

    assert (breaker.statistics().successes, breaker.statistics().failures) == (1, 0)


def test_it_goes_on_from_its_record(breaker, clock):
    """
    Open stays open over a restart, for what is left of the time.
    """
    fail(breaker, 3)
    clock.advance(4)
    record = breaker.record()
    clock.advance(1)
    successor = CircuitBreaker("api", clock=clock, settings=SETTINGS)
    successor.restore(record)

    assert BreakerState.OPEN is successor.state
    assert pytest.approx(successor.statistics().retry_in_s) == 5
    clock.advance(5)
    assert BreakerState.HALF_OPEN is successor.state


@pytest.mark.parametrize(("jump", "bound"), [(-86_400, 35), (86_400, 0)])
def test_a_clock_jump_never_keeps_it_open_beyond_the_bound(breaker, clock, jump, bound):
    """
    A wall clock that went back a day does not lock a service out for a day.
    """
    fail(breaker, 3)
    record = breaker.record()
    clock.wall += jump
    breaker.restore(record)

    assert bound == breaker.statistics().retry_in_s


def test_jitter_only_adds_and_stays_below_its_share(clock):
    """
    Breakers that opened together do not probe together.
    """
    settings = BreakerSettings(failure_threshold=1, recovery_s=10, jitter=0.5)
    waits = set()
    for seed in range(50):
        breaker = CircuitBreaker("api", clock=clock, settings=settings, rng=random.Random(seed))
        fail(breaker)
        waits.add(breaker.statistics().retry_in_s)

    assert len(waits) > 40
    assert all(10 <= wait <= 15 for wait in waits)


@pytest.mark.parametrize("fields", [{"failure_threshold": 0}, {"recovery_s": 0}, {"recovery_s": 1e9}, {"jitter": 2}])
def test_settings_out_of_range_are_refused(fields):
    """
    The message names the setting.
    """
    with pytest.raises(BreakerRefusedError, match=next(iter(fields))):
        BreakerSettings(**fields)


def test_the_usual_settings_and_the_bounds_of_others():
    """
    Five failures, a minute, at most an hour, a tenth of jitter; each bound is still allowed.
    """
    usual = BreakerSettings()

    assert (usual.failure_threshold, usual.recovery_s, usual.longest_recovery_s, usual.jitter) == (5, 60, 3600, 0.1)
    assert BreakerSettings(failure_threshold=1, recovery_s=0.5, longest_recovery_s=0.5, jitter=1).jitter == 1
    assert BreakerSettings(jitter=0).jitter == 0


def test_it_says_its_name_and_state(breaker):
    """
    In the log, in the refusal, and where it is looked at.
    """
    fail(breaker, 3)

    assert repr(breaker) == "<CircuitBreaker 'api' open after 3 failures in a row>"
    with pytest.raises(CircuitOpenError) as caught:
        breaker.acquire()
    assert (caught.value.name, breaker.name, breaker.statistics().name) == ("api", "api", "api")


def test_after_a_reset_an_attempt_from_before_moves_nothing(breaker):
    """
    It is a straggler, and a new breaker does not inherit a failure.
    """
    before = [breaker.acquire() for _ in range(3)]
    breaker.reset()
    for attempt in before:
        attempt.failed()

    assert BreakerState.CLOSED is breaker.state
    assert breaker.statistics().failures_in_a_row == 0


def test_an_attempt_from_before_a_probe_does_not_decide_for_it(breaker, clock):
    """
    Of two probes, one forced, only the newer one closes it.
    """
    fail(breaker, 3)
    early = breaker.acquire(force=True)
    late = breaker.acquire(force=True)
    early.succeeded()
    assert BreakerState.OPEN is breaker.state
    late.succeeded()

    assert BreakerState.CLOSED is breaker.state


def test_what_ran_together_while_it_was_closed_counts_each(breaker):
    """
    One success among calls that began together makes no stragglers of the others: three failures after it open.
    """
    lucky, *others = (breaker.acquire() for _ in range(4))
    lucky.succeeded()
    for attempt in others:
        attempt.failed()

    assert BreakerState.OPEN is breaker.state


def test_an_attempt_from_before_the_opening_moves_nothing_after_a_reset(breaker):
    """
    Even when the breaker opened in between: its count is not one that comes again.
    """
    straggler = breaker.acquire()
    fail(breaker, 3)
    breaker.reset()
    straggler.failed()

    assert (breaker.statistics().failures_in_a_row, breaker.statistics().failures) == (0, 1)


def test_a_forced_probe_that_was_overtaken_does_not_count_once_it_is_closed(breaker):
    """
    Of two forced probes the later one decides; what the earlier one says afterwards is counted and moves nothing.
    """
    fail(breaker, 3)
    earlier, later = breaker.acquire(force=True), breaker.acquire(force=True)
    later.succeeded()
    earlier.failed(retry_after_s=5)

    assert (breaker.state, breaker.statistics().failures_in_a_row) == (BreakerState.CLOSED, 0)


async def test_a_call_gives_its_result_and_counts_as_a_success(breaker):
    """
    Which starts the row of failures again.
    """

    async def answer():
        return "93.184.216.34"

    fail(breaker, 2)

    assert await breaker.call(answer) == "93.184.216.34"
    assert (breaker.statistics().successes, breaker.statistics().failures_in_a_row) == (1, 0)


def test_a_wish_of_less_than_a_second_opens_it_too(breaker):
    """
    For the usual recovery time, which is longer.
    """
    fail(breaker, retry_after_s=0.5)

    assert breaker.statistics().retry_in_s == 10


def test_every_opening_is_counted_until_the_reset(breaker, clock):
    """
    Openings and rejections, from 0 again afterwards.
    """
    fail(breaker, 3)
    with pytest.raises(CircuitOpenError):
        breaker.acquire()
    clock.advance(10)
    fail(breaker)
    assert (breaker.statistics().openings, breaker.statistics().rejections) == (2, 1)
    breaker.reset()

    assert (breaker.statistics().openings, breaker.statistics().rejections) == (0, 0)


def test_only_an_open_breaker_has_a_time_to_wait_for(breaker, clock):
    """
    Nothing is left of it while it is closed, nor long after it may be tried again.
    """
    assert breaker.statistics().retry_in_s == 0
    fail(breaker, 3)
    assert breaker.statistics().retry_in_s == 10
    clock.advance(99)
    assert breaker.statistics().retry_in_s == 0
    breaker.acquire().succeeded()

    assert breaker.statistics().retry_in_s == 0


def test_a_record_brings_back_the_rows_and_nothing_else(breaker):
    """
    The row of failures and of openings go on, below 0 is taken for 0, and what the breaker did before is forgotten.
    """
    fail(breaker, 3)
    breaker.restore(BreakerRecord(name="api", failures_in_a_row=2, openings_in_a_row=1, open_until=None))
    assert (breaker.state, breaker.statistics().failures, breaker.record().openings_in_a_row) == ("closed", 0, 1)
    assert breaker.statistics().failures_in_a_row == 2
    fail(breaker)
    assert breaker.statistics().retry_in_s == 20

    breaker.restore(BreakerRecord(name="api", failures_in_a_row=-1, openings_in_a_row=-1, open_until=None))

    assert (breaker.record().failures_in_a_row, breaker.record().openings_in_a_row) == (0, 0)
