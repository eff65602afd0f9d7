"""
What counts as held, computed from looks alone.
"""

from __future__ import annotations

import pytest
from hermetic.guard.blocking.account import Account
from hermetic.guard.blocking.meter import Look

PERIOD = 0.02
_NOTHING = {"busy": 0.0, "others": 0.0, "garbage": 0.0, "queued": 0.0, "watcher_queued": 0.0, "is_asleep": True}
PLACE = (((compile("0", "a.py", "eval"), 0),), False)
ELSEWHERE = (((compile("1", "b.py", "eval"), 0),), False)


def after(seconds: float, **changes: float | None) -> Look:
    return Look(at=seconds, **{**_NOTHING, **changes})


ZERO = after(0.0)


def counted(*looks: Look, started: float = 0.0, stack=PLACE) -> Account:
    account = Account(started, 0.0)
    account.last = stack
    for before, after in zip((ZERO, *looks), looks, strict=False):
        account.add(before, after, period=PERIOD, stack=stack)
    return account


def test_processor_time_counts():
    """
    A thread that computed for the whole interval held the loop for it.
    """
    account = counted(after(0.02, busy=0.02))

    assert account.busy == pytest.approx(0.02)
    assert account.asleep == pytest.approx(0.0)


def test_sleep_counts_when_the_watcher_was_on_time():
    """
    The process ran, the thread did not want to: it waited in a call.
    """
    assert counted(after(0.02)).asleep == pytest.approx(0.02)


def test_who_asks_for_the_interpreter_lock_of_a_watcher_without_a_processor_does_not_sleep():
    """
    The watcher may be queued with the lock in its hands: who waits for it wakes each 5 ms to ask, which no sleep does.
    """
    queued = {"watcher_queued": 0.25, "busy": 0.001}

    assert counted(after(0.27, turns=54, **queued)).asleep == pytest.approx(0.019, abs=0.002)
    assert counted(after(0.27, turns=1, **queued)).asleep == pytest.approx(0.269, abs=0.002)


def test_a_processor_that_was_lent_away_is_not_sleep():
    """
    A virtual machine's processor may be taken away while the thread runs; then it is not asleep, and has used nothing.
    """
    assert counted(after(0.02, is_asleep=False)).held(garbage=0.0) == pytest.approx(0.0)


def test_the_end_of_a_hold_counts_as_what_it_was_at_the_look_before():
    """
    Whoever ends the hold is awake by then.
    """
    slept, ran = (Account(0.0, 0.0), Account(0.0, 0.0))
    slept.add(ZERO, after(0.02, is_asleep=False), period=PERIOD, stack=None)
    ran.add(after(0.0, is_asleep=False), after(0.02), period=PERIOD, stack=None)

    assert slept.held(garbage=0.0) == pytest.approx(0.02)
    assert ran.held(garbage=0.0) == pytest.approx(0.0)


def test_time_in_the_run_queue_does_not_count():
    """
    A machine that is too busy to run the thread is not the code's doing.
    """
    account = counted(after(0.5, busy=0.01, queued=0.49, watcher_queued=0.48))

    assert account.held(garbage=0.0) == pytest.approx(0.01)


def test_a_process_that_stood_still_has_held_nothing():
    """
    Stopped by a signal, the watcher comes late without having been queued.
    """
    account = counted(after(5.0))

    assert account.held(garbage=0.0) == pytest.approx(PERIOD)


def test_sleep_counts_in_full_when_only_the_watcher_was_kept_waiting():
    """
    A late watcher that was queued says nothing against the sleeping thread, so a busy machine hides no hold.
    """
    assert counted(after(0.5, watcher_queued=0.48)).asleep == pytest.approx(0.5)


def test_c_code_that_keeps_the_interpreter_lock_counts_by_its_processor_time():
    """
    The watcher was kept out, and the thread computed all the while.
    """
    assert counted(after(0.8, busy=0.8)).held(garbage=0.0) == pytest.approx(0.8)


def test_another_thread_that_computes_is_not_blamed_on_the_loop():
    """
    A thread that gets only a share of the interpreter is slowed down by the others.
    """
    account = counted(after(0.02, busy=0.005, others=0.015))

    assert account.held(garbage=0.0) == pytest.approx(0.005)


def test_waiting_for_another_thread_that_computes_counts():
    """
    `future.result()` uses nothing at all while the worker computes, and stays at one place.
    """
    assert counted(after(0.02, others=0.02)).asleep == pytest.approx(0.02)


def test_a_thread_that_moved_was_not_asleep_while_others_computed():
    """
    Between two looks it got on, so it did not sleep; it had too little of the interpreter.
    """
    account = Account(0.0, 0.0)
    account.last = ELSEWHERE

    account.add(ZERO, after(0.02, others=0.02), period=PERIOD, stack=PLACE)

    assert account.held(garbage=0.0) == pytest.approx(0.0)


def test_garbage_collection_is_taken_off():
    """
    The collector's time within the hold is the collector's.
    """
    assert counted(after(0.3, busy=0.3)).held(garbage=0.25) == pytest.approx(0.05)


def test_time_before_the_hold_does_not_count():
    """
    The look before the hold covers another callback too.
    """
    account = counted(after(0.02, busy=0.02), started=0.015)

    assert account.held(garbage=0.0) == pytest.approx(0.005)


def test_nothing_counts_as_sleep_before_the_queues_are_known():
    """
    The first look into a hold cannot tell sleep from a full run queue, so the thread has the benefit of the doubt.
    """
    first = after(0.0, queued=None, watcher_queued=None)
    account = Account(0.0, 0.0)

    account.add(first, after(0.02), period=PERIOD, stack=PLACE)

    assert account.held(garbage=0.0) == pytest.approx(0.0)


def test_stacks_are_weighed_by_time_and_bounded():
    """
    A hold of hours keeps a bounded number of places.
    """
    account = Account(0.0, 0.0)
    before = ZERO
    for number in range(1, 1000):
        look = after(number * PERIOD)
        account.add(before, look, period=PERIOD, stack=(((PLACE[0][0][0], number),), False))
        before = look

    assert len(account.stacks) == 200
    assert all(weight == pytest.approx(PERIOD) for weight in account.stacks.values())
