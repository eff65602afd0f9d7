"""
What full collections take, and from when a hold counts that only the watcher sees.
"""

from __future__ import annotations

import asyncio
import gc

import pytest
from hermetic.guard.blocking.account import Account
from hermetic.guard.blocking.garbage import Garbage
from hermetic.guard.blocking.meter import Look
from hermetic.guard.blocking.post import Post
from hermetic.guard.blocking.pulse import FramePulse
from hermetic.guard.blocking.watch import Watch

SITE = ((), False)


def test_full_collections_are_timed_and_no_others():
    """
    Small ones take next to nothing, and come all the time.
    """
    garbage = Garbage()
    garbage.start()
    try:
        gc.collect(0)
        gc.collect(1)
        small = garbage.total_s
        gc.collect()
        full = garbage.total_s
    finally:
        garbage.stop()
    gc.collect()

    assert small == 0.0
    assert full > 0.0
    assert garbage.total_s == full


def test_a_watch_that_has_stopped_listens_to_no_collection():
    """
    The collector has as many listeners as before.
    """
    before = list(gc.callbacks)
    watch = Watch(runners=frozenset, limit_s=0.1)
    watch.start()
    during = list(gc.callbacks)
    watch.stop()

    assert len(during) == len(before) + 1
    assert gc.callbacks == before


def test_what_the_collector_took_is_taken_off_both_parts_of_a_hold_alike():
    """
    The processor's and the waiting, which together are what it is blamed for.
    """
    watch = Watch(runners=frozenset, limit_s=0.1)
    account = Account(1.0, 0.0)
    account.busy, account.asleep = 0.3, 0.1
    watch.garbage.total_s = 0.2
    hold = watch._hold(account)

    assert hold.busy_s == pytest.approx(3 * hold.asleep_s)
    assert hold.busy_s + hold.asleep_s == pytest.approx(account.held(garbage=0.2))
    assert 0 < hold.asleep_s < 0.1


def look(at):
    return Look(at=at, busy=at, others=0.0, garbage=0.0)


@pytest.mark.parametrize("late_s", [0.0, 0.5])
async def test_a_hold_begins_when_the_watcher_was_kept_from_looking(late_s):
    """
    It is found a period after the look before; whoever made that later is the one that is found.
    """
    post = Post(garbage=0.0)
    pulse = FramePulse(asyncio.get_running_loop(), post, over=lambda post, started: None)
    pulse.look(look(10.0), look(10.05 + late_s), (SITE, 1), period=0.1 if not late_s else 0.05)
    began = post.account.started
    pulse.look(look(11.0), look(11.05), None, period=0.05)

    assert began == pytest.approx(10.05)
    assert post.account is None
    await asyncio.sleep(0)


class Watched:
    """
    A loop's run whose holds a watch has seen, told look by look.
    """

    def __init__(self):
        self.watch = Watch(runners=frozenset, limit_s=0.1)
        self.post = Post(garbage=0.0)
        self.holds = []
        self.pulse = FramePulse(asyncio.get_running_loop(), self.post, over=self.over)

    def over(self, post, started):
        self.holds.append(self.watch.finish(post, started))

    def saw(self, at, frame):
        """
        The watcher's look at `at`, a tenth of a second after the one before; the thread is at work all the time.
        """
        self.pulse.look(look(at - 0.1), look(at), (SITE, frame) if frame else None, period=0.1)


@pytest.mark.parametrize("next_frame", [0, 2], ids=["nothing", "another callback"])
async def test_a_hold_that_is_over_when_the_watcher_looks_waits_for_the_loops_answer(next_frame):
    """
    What was held until the look before counts, whatever the thread is at by then, and is told once.
    """
    watched = Watched()
    for at, frame in ((10.1, 1), (10.2, 1), (10.3, 1), (10.4, next_frame)):
        watched.saw(at, frame)
    assert watched.holds == []
    await asyncio.sleep(0)

    assert watched.holds[0].held_s == pytest.approx(0.2)
    assert len(watched.holds) == (2 if next_frame else 1)
    assert watched.post.ended == {}


async def test_what_a_loop_has_not_answered_for_when_it_stops_is_told_then():
    """
    Its run may be the last, and the watcher looks no more.
    """
    watched = Watched()
    for at, frame in ((10.1, 1), (10.2, 1), (10.3, 2), (10.4, 2)):
        watched.saw(at, frame)
    watched.pulse.end()
    told = list(watched.holds)
    await asyncio.sleep(0)

    assert sorted(len(hold.stacks) for hold in told) == [1, 1]
    assert watched.holds == told
