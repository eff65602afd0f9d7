"""
Deadlines around blocks and functions.
"""

import asyncio
import contextlib
import pickle
import threading

import hermetic
import pytest
from hermetic import BudgetError, DeadlineExceeded

SHORT = 0.02
LONG = 300


async def test_a_block_that_waits_too_long_ends_and_tells_its_line():
    """
    The error names the operation, the budget, the line that waited and what for; the task goes on.
    """
    with pytest.raises(DeadlineExceeded) as caught:
        async with hermetic.deadline(SHORT, "save address"):
            await asyncio.Event().wait()  # the waiting line

    error = caught.value
    assert (error.operation, error.budget_s, error.is_swallowed) == ("save address", SHORT, False)
    assert error.elapsed_s >= SHORT
    assert "await asyncio.Event().wait()  # the waiting line" in str(error)
    assert "waits for event" in str(error)
    assert error.site.startswith(__file__)
    assert isinstance(error, TimeoutError)
    assert asyncio.current_task().cancelling() == 0


async def test_a_block_in_time_passes_its_value_and_leaves_no_timer():
    """
    A deadline that does not pass leaves nothing in the loop.
    """
    async with hermetic.deadline(LONG, "quick") as limit:
        await asyncio.sleep(0)
        assert 0 < limit.remaining() <= LONG

    assert all(handle.cancelled() for handle in asyncio.get_running_loop()._scheduled)


async def test_cleanup_runs_before_the_error():
    """
    Cancellation, not abandonment: `finally` blocks run, and may await.
    """
    steps = []
    with pytest.raises(DeadlineExceeded):
        async with hermetic.deadline(SHORT):
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                steps.append("cleaned up")

    assert steps == ["cleaned up"]


@pytest.mark.parametrize(
    "outer, inner, fired, within", [(SHORT, LONG, "outer", ()), (LONG, SHORT, "inner", ("outer",))]
)
async def test_nested_deadlines_say_which_one_fired(outer, inner, fired, within):
    """
    Of two deadlines, the one whose time was over is named, with those around it that had time left.
    """
    with pytest.raises(DeadlineExceeded) as caught:
        async with hermetic.deadline(outer, "outer"), hermetic.deadline(inner, "inner"):
            await asyncio.Event().wait()

    assert caught.value.operation == fired
    assert len(caught.value.within) == len(within)
    assert all(name in told for name, told in zip(within, caught.value.within, strict=True))


async def test_a_deadline_in_a_child_task_names_those_of_its_parent():
    """
    Open deadlines are inherited by tasks started inside them.
    """

    async def child():
        async with hermetic.deadline(SHORT, "child"):
            await asyncio.Event().wait()

    async with hermetic.deadline(LONG, "parent"):
        with pytest.raises(DeadlineExceeded, match="inside 'parent' of 300 s"):
            await asyncio.create_task(child())


async def test_cancellation_from_outside_stays_a_cancellation():
    """
    A deadline takes back only the cancellation that it asked for.
    """
    entered = asyncio.Event()

    async def work():
        async with hermetic.deadline(LONG):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_swallowed_cancellation_is_told():
    """
    A block that ends normally after its time was over is late all the same.
    """
    with pytest.raises(DeadlineExceeded, match="swallowed the cancellation") as caught:
        async with hermetic.deadline(SHORT, "deaf"):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    assert caught.value.is_swallowed


async def test_an_error_of_the_blocks_own_is_kept_with_a_note():
    """
    What cleanup raises is what the caller must see; that the time was over is added.
    """
    with pytest.raises(RuntimeError, match="cleanup failed") as caught:
        async with hermetic.deadline(SHORT, "save"):
            try:
                await asyncio.Event().wait()
            finally:
                raise RuntimeError("cleanup failed")

    assert caught.value.__notes__ == ["The deadline 'save' of 0.02 s had passed."]


async def test_a_deadlock_of_two_tasks_is_named_as_a_cycle():
    """
    Two tasks that each hold the lock the other wants are told as such.
    """
    first, second = asyncio.Lock(), asyncio.Lock()
    both = asyncio.Barrier(2)

    async def take(one, other):
        async with one:
            await both.wait()
            async with other:
                pass

    left = asyncio.create_task(take(first, second), name="left")
    right = asyncio.create_task(take(second, first), name="right")
    with pytest.raises(DeadlineExceeded) as caught:
        async with hermetic.deadline(SHORT):
            await left
    right.cancel()
    await asyncio.gather(left, right, return_exceptions=True)

    assert caught.value.cycles == (("left", "right"),)
    assert "deadlock: left waits for right waits for left" in str(caught.value)


async def test_a_coroutine_function_gets_a_fresh_deadline_each_call():
    """
    The decorator names the function, and one late call does not spoil the next.
    """

    @hermetic.deadline(0.2)
    async def wait_for(event):
        await event.wait()
        return "came"

    came = asyncio.Event()
    came.set()
    with pytest.raises(DeadlineExceeded, match="wait_for"):
        await wait_for(asyncio.Event())

    assert await wait_for(came) == "came"
    assert asyncio.iscoroutinefunction(wait_for)


def test_an_ordinary_function_that_blocks_is_interrupted():
    """
    On the main thread a signal ends a lock that nobody releases.
    """
    lock = threading.Lock()
    lock.acquire()

    @hermetic.deadline(SHORT, "locked")
    def block():
        lock.acquire()

    with pytest.raises(DeadlineExceeded, match=r"lock\.acquire\(\)"):
        block()


def test_a_busy_loop_that_swallows_exceptions_is_interrupted():
    """
    `except Exception` does not catch the interruption.
    """
    with pytest.raises(DeadlineExceeded), hermetic.deadline(SHORT, "busy"):
        while True:
            with contextlib.suppress(Exception):
                sum(range(100))


@pytest.mark.untraced("an asynchronous exception may strike while the tracer holds a lock")
def test_a_busy_thread_is_interrupted_off_the_main_thread():
    """
    No signal reaches other threads; they get an asynchronous exception, and it names their line.
    """
    caught = []

    def work():
        try:
            with hermetic.deadline(SHORT, "off"):
                while True:
                    sum(range(10))  # the busy line
        except DeadlineExceeded as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert caught[0].operation == "off"
    assert "the busy line" in str(caught[0]) or "while True" in str(caught[0])


def test_nested_ordinary_deadlines_fire_one_by_one():
    """
    The inner one is caught, the outer one still holds.
    """
    fired = []
    with pytest.raises(DeadlineExceeded, match="outer"), hermetic.deadline(0.2, "outer"):
        try:
            with hermetic.deadline(SHORT, "inner"):
                threading.Event().wait()
        except DeadlineExceeded as error:
            fired.append(error.operation)
        threading.Event().wait()

    assert fired == ["inner"]


def test_an_ordinary_block_that_swallows_its_interruption_is_told():
    """
    It ended as if nothing had been; the deadline had passed all the same.
    """
    with (
        pytest.raises(DeadlineExceeded, match="swallowed"),
        hermetic.deadline(SHORT, "swallowing"),
        contextlib.suppress(BaseException),
    ):
        threading.Event().wait()


def test_an_error_of_an_ordinary_blocks_own_is_kept_with_a_note():
    """
    What its cleanup raised in the place of the interruption.
    """
    with pytest.raises(LookupError) as failed, hermetic.deadline(SHORT, "failing"):
        try:
            threading.Event().wait()
        finally:
            raise LookupError("in cleanup")

    assert failed.value.__notes__ == [f"The deadline 'failing' of {SHORT:g} s had passed."]


def test_one_deadline_cannot_be_open_twice():
    """
    Reuse would lose the first block's limit; it is refused.
    """
    limit = hermetic.deadline(LONG, "once")
    with limit, pytest.raises(RuntimeError, match="open already"), limit:
        pass


def test_generators_are_refused():
    """
    A deadline around the making of a generator would watch nothing.
    """

    def numbers():
        yield 1

    with pytest.raises(TypeError, match="is a generator"):
        hermetic.deadline(1)(numbers)


@pytest.mark.parametrize("budget", [-1, float("nan"), "5", True])
def test_a_bad_budget_is_refused_where_it_is_written(budget):
    """
    The error names this file and line.
    """
    with pytest.raises(BudgetError, match=r"test_scope\.py:"):
        hermetic.deadline(budget)


def test_the_error_survives_pickling():
    """
    Xdist sends errors from one process to another.
    """
    error = DeadlineExceeded(
        "x", budget_s=1, elapsed_s=2, site="a.py:1", waiting="w", within=("y",), cycles=(("a", "b"),)
    )

    again = pickle.loads(pickle.dumps(error))

    assert (str(again), vars(again)) == (str(error), vars(error))


def test_a_deadline_tells_its_state_and_what_is_left_of_it():
    """
    Closed with the whole budget, open with less and less of it, fired with none.
    """
    limit = hermetic.deadline(SHORT, "save")
    before = (repr(limit), limit.remaining())
    with contextlib.suppress(DeadlineExceeded), limit:
        within = (repr(limit), limit.remaining())
        while True:
            sum(range(100))

    assert before == (f"<Deadline 'save' {SHORT:g} s, closed>", SHORT)
    assert within[0] == f"<Deadline 'save' {SHORT:g} s, open>"
    assert 0 <= within[1] <= SHORT
    assert repr(limit) == f"<Deadline 'save' {SHORT:g} s, fired>"
