"""
Twelve seeded races, each found, replayed and explained; and twelve correct twins that never fail.
"""

from __future__ import annotations

import asyncio

import pytest
from hermetic.guard.schedule import InterleavingError, interleave


async def pause():
    await asyncio.sleep(0)


async def check_then_act(*, is_right: bool):
    cache, made, lock = {}, [], asyncio.Lock()

    async def get():
        if is_right:
            async with lock:
                if "k" not in cache:
                    made.append(1)
                    await pause()
                    cache["k"] = 1
        elif "k" not in cache:
            async with lock:
                made.append(1)
            cache["k"] = 1

    await get_in_turn(get)
    assert len(made) == 1


async def get_in_turn(function, times=2):
    # One after the other in asyncio's own order, so that only another order of tasks makes them meet.
    await asyncio.gather(*(function() for _ in range(times)))


async def lost_update(*, is_right: bool):
    balance, lock = [0], asyncio.Lock()

    async def add():
        if is_right:
            async with lock:
                before = balance[0]
                await pause()
                balance[0] = before + 1
        else:
            before = balance[0]
            async with lock:
                balance[0] = before + 1

    await get_in_turn(add)
    assert balance[0] == 2


async def double_initialisation(*, is_right: bool):
    state, ready, opened = {}, asyncio.Event(), []

    async def connection():
        if is_right:
            if "c" not in state:
                state["c"] = asyncio.ensure_future(connect())
            await state["c"]
        elif "c" not in state:
            ready.set()
            await ready.wait()
            state["c"] = await connect_at_once()

    async def connect():
        await pause()
        opened.append(1)

    async def connect_at_once():
        opened.append(1)

    await get_in_turn(connection)
    assert len(opened) == 1


async def lock_released_early(*, is_right: bool):
    stock, lock = [1], asyncio.Lock()

    async def buy():
        async with lock:
            enough = stock[0] > 0
            if is_right and enough:
                stock[0] -= 1
        if not is_right:
            async with lock:
                if enough:
                    stock[0] -= 1

    await get_in_turn(buy)
    assert stock[0] == 0


async def iterating_while_changed(*, is_right: bool):
    listeners, gate = {1: "a", 2: "b"}, asyncio.Semaphore(5)

    async def notify():
        for _ in list(listeners) if is_right else listeners:
            async with gate:
                pass

    async def leave():
        async with gate:
            listeners.pop(2)

    await asyncio.gather(notify(), leave())


async def callback_order(*, is_right: bool):
    loop, seen = asyncio.get_running_loop(), []
    stored = asyncio.Event()

    async def store():
        await pause()
        seen.append("stored")
        stored.set()

    async def read():
        await pause()
        if is_right:
            await stored.wait()
        seen.append("read")

    loop.call_soon(lambda: None)
    await asyncio.gather(store(), read())
    assert seen == ["stored", "read"]


async def cancelled_in_critical_section(*, is_right: bool):
    free, lock = [1], asyncio.Lock()

    async def use():
        free[0] -= 1
        try:
            async with lock:
                pass
        finally:
            if is_right:
                free[0] += 1
        if not is_right:
            free[0] += 1

    task = asyncio.create_task(use())
    await pause()
    await pause()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert free[0] == 1


async def flag_before_data(*, is_right: bool):
    data, lock = {}, asyncio.Lock()

    async def publish():
        if is_right:
            data["value"] = 1
            data["ready"] = True
        else:
            data["ready"] = True
            async with lock:
                data["value"] = 1

    async def use():
        await pause()
        await pause()
        if data.get("ready"):
            assert "value" in data

    await asyncio.gather(publish(), use())


async def close_while_used(*, is_right: bool):
    is_open, users, idle = [True], [0], asyncio.Event()
    idle.set()
    lock = asyncio.Lock()

    async def use():
        if not is_open[0]:
            return
        users[0] += 1
        idle.clear()
        async with lock:
            assert is_open[0]
        users[0] -= 1
        idle.set()

    async def close():
        if is_right:
            await idle.wait()
            while users[0]:
                await idle.wait()
        else:
            await pause()
            await pause()
        is_open[0] = False

    await asyncio.gather(use(), close())


async def last_one_out(*, is_right: bool):
    left, done, lock = [2], [], asyncio.Lock()

    async def worker():
        if is_right:
            left[0] -= 1
            if left[0] == 0:
                done.append(1)
        else:
            left[0] -= 1
            async with lock:
                pass
            if left[0] == 0:
                done.append(1)

    await get_in_turn(worker)
    assert len(done) == 1


async def two_switches(*, is_right: bool):
    # Fails only if the first is held between its two steps and the second is held before its last.
    log, lock = [], asyncio.Lock()

    async def first():
        log.append("a1")
        if not is_right:
            async with lock:
                pass
        log.append("a2")

    async def second():
        log.append("b1")
        if not is_right:
            async with lock:
                pass
            async with lock:
                pass
        log.append("b2")

    await asyncio.gather(first(), second())
    assert log != ["a1", "b1", "b2", "a2"]


async def stale_read(*, is_right: bool):
    # Three parties: the reader must be held while the writer writes, and the refresher after that.
    price, copies, lock = [1], {}, asyncio.Lock()

    async def refresh():
        value = price[0]
        async with lock:
            pass
        copies["price"] = price[0] if is_right else value

    async def write():
        async with lock:
            price[0] = 2
        copies.pop("price", None)

    await asyncio.gather(refresh(), write())
    assert copies.get("price", 2) == 2


RACES = [
    check_then_act,
    lost_update,
    double_initialisation,
    lock_released_early,
    iterating_while_changed,
    callback_order,
    cancelled_in_critical_section,
    flag_before_data,
    close_while_used,
    last_one_out,
    two_switches,
    stale_read,
]


@pytest.mark.prove("races", sample=2, full=20)
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
def test_a_race_is_found_within_200_orders_and_replayed_by_its_seed(race, rounds):
    """
    The seed gives the same failure and the same smallest set of switches every time.
    """
    with pytest.raises(InterleavingError) as found:
        interleave(lambda: race(is_right=False), seeds=200)
    error = found.value
    for _ in range(rounds):
        with pytest.raises(InterleavingError) as again:
            interleave(lambda: race(is_right=False), seed=error.seed)

        assert again.value.switches == error.switches
        assert type(again.value.error) is type(error.error)

    assert all(switch.place.startswith(__file__) for switch in error.switches)
    assert f"seed={error.seed}" in str(error)


@pytest.mark.prove("races", sample=40, full=1000)
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
def test_a_correct_twin_never_fails(race, rounds):
    """
    No order that the interleaver makes is one that sound code may rule out.
    """
    assert interleave(lambda: race(is_right=True), seeds=rounds) == rounds


def test_asyncios_own_order_is_tried_first():
    """
    Code that fails without any switch is told as such.
    """

    async def broken():
        raise ValueError("always")

    with pytest.raises(InterleavingError, match="fails without any switch") as found:
        interleave(broken)

    assert (found.value.seed, found.value.runs) == (0, 0)


def test_a_bare_callback_keeps_its_order():
    """
    Callbacks run in the order in which they were registered: sound code relies on it.
    """

    async def ordered():
        seen, loop = [], asyncio.get_running_loop()
        for number in range(20):
            loop.call_soon(seen.append, number)
        await asyncio.sleep(0.01)
        assert seen == list(range(20))

    assert interleave(ordered, seeds=50) == 50


def test_sleeps_cost_no_time():
    """
    Each run has virtual time that stands still between jumps.
    """

    async def slow():
        await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(7200))

    assert interleave(slow, seeds=20) == 20
