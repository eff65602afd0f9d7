"""
Many operations at once, and waiting for conditions.
"""

import asyncio

import pytest
from hermetic import BudgetError
from hermetic.guard.concurrency import ConditionNotMet, gather_or_cancel, track_concurrent_operations, wait_until


async def give(value):
    await asyncio.sleep(0)
    return value


async def fail(text):
    await asyncio.sleep(0)
    try:
        raise ConnectionRefusedError(text)
    except ConnectionRefusedError as error:
        raise RuntimeError("check failed") from error


async def test_every_outcome_is_kept_in_order():
    """
    A failure stops no other operation; failures are grouped by what caused them.
    """
    outcome = await track_concurrent_operations(
        [give(1), fail("no route"), give(3), fail("no route"), fail("reset")], names=["a", "b", "c", "d", "e"]
    )

    assert (outcome.succeeded, outcome.failed, outcome.cancelled) == (2, 3, 0)
    assert outcome.results == [1, None, 3, None, None]
    assert outcome.causes == {"ConnectionRefusedError: no route": ["b", "d"], "ConnectionRefusedError: reset": ["e"]}
    assert "2 of 5 operations succeeded" in str(outcome)
    assert "2 x ConnectionRefusedError: no route  (b, d)" in str(outcome)


async def test_stragglers_are_cancelled_and_named_with_their_line():
    """
    When the time is over, what still runs is told where it waits, and nothing is left running.
    """
    outcome = await track_concurrent_operations(
        [give(1), asyncio.Event().wait()], names=["quick", "slow"], timeout=0.05
    )

    assert [one.state for one in outcome.operations] == ["succeeded", "cancelled"]
    assert "waits for event" in outcome.operations[1].waited_at
    assert "slow was still running, waiting at" in str(outcome)
    assert len(asyncio.all_tasks()) == 1


async def test_at_most_so_many_run_at_once():
    """
    The limit holds, and what was reached is told; those whose turn never came are cancelled too.
    """
    outcome = await track_concurrent_operations([give(n) for n in range(20)], limit=3)
    blocked = await track_concurrent_operations([asyncio.Event().wait() for _ in range(3)], limit=1, timeout=0.02)

    assert (outcome.succeeded, outcome.most_at_once) == (20, 3)
    assert (blocked.cancelled, blocked.most_at_once) == (3, 1)


async def test_cancelling_the_tracker_leaves_nothing_running():
    """
    Its operations end before it does.
    """
    ended = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    task = asyncio.create_task(track_concurrent_operations([work(), work()]))
    await wait_until(lambda: len(asyncio.all_tasks()) == 4, deadline=30)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ended == [1, 1]


@pytest.mark.parametrize(
    "wrong, told",
    [({"names": ["a"]}, "1 names for 2 operations"), ({"limit": 0}, "at least one"), ({"timeout": -1}, "deadline -1")],
)
async def test_bad_arguments_are_refused_before_anything_runs(wrong, told):
    """
    No coroutine is left behind unawaited.
    """
    with pytest.raises(ValueError, match=told):
        await track_concurrent_operations([give(1), give(2)], **wrong)


async def test_no_operations_are_no_failure():
    """
    An empty list has an empty outcome.
    """
    outcome = await track_concurrent_operations([])

    assert (outcome.succeeded, outcome.operations) == (0, ())


async def test_gather_or_cancel_ends_the_others_when_one_fails():
    """
    Unlike gather, nothing goes on in the background.
    """
    ended = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    with pytest.raises(RuntimeError, match="check failed"):
        await gather_or_cancel(work(), fail("x"), work())

    assert ended == [1, 1]
    assert await gather_or_cancel(give(1), give(2)) == [1, 2]


async def test_wait_until_returns_the_value_that_was_true():
    """
    Plain and async predicates, and assertions.
    """
    seen = []

    def grows():
        seen.append(1)
        return len(seen) >= 3 and "grown"

    async def asks():
        return await give("answer")

    def asserts():
        seen.append(1)
        assert len(seen) > 5
        return True

    assert await wait_until(grows, deadline=30, every=0.001) == "grown"
    assert await wait_until(asks, deadline=30) == "answer"
    assert await wait_until(asserts, deadline=30, every=0.001) is True


async def test_wait_until_tells_the_last_value():
    """
    What was seen last is what helps to find out why.
    """
    with pytest.raises(ConditionNotMet, match=r"within 0\.02 s; .* its value was \[\]") as caught:
        await wait_until(list, deadline=0.02)
    with pytest.raises(BudgetError):
        await wait_until(list, deadline=float("nan"))

    assert caught.value.tries >= 1
    assert isinstance(caught.value, TimeoutError)
