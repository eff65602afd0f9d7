"""
Timers of the server's loop are not rounded to milliseconds.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import closing

import pytest
from hermetic.world.http.precise_loop import PreciseSelector, new_precise_loop


@pytest.mark.parametrize("timeout, told", [(0.0003, 0.0003), (0.0123456, 0.0123456)])
def test_timeouts_reach_the_kernel_unrounded(monkeypatch, timeout, told):
    """
    What is waited is what was asked, not the next millisecond.
    """
    waited = []
    with closing(PreciseSelector()) as selector:
        monkeypatch.setattr("select.select", lambda *given: waited.append(given) or ([], [], []))

        assert selector.select(timeout) == []
        assert [((selector.fileno(),), (), (), told)] == waited


def test_a_ready_descriptor_ends_the_wait_at_once():
    """
    The epoll descriptor is readable when one of its own is.
    """
    reading, writing = os.pipe()
    try:
        with closing(PreciseSelector()) as selector:
            selector.register(reading, 1)
            os.write(writing, b"x")
            begun = time.monotonic()
            ready = selector.select(30)

            assert [reading] == [key.fd for key, _ in ready]
            assert time.monotonic() - begun < 10
    finally:
        os.close(reading)
        os.close(writing)


def test_what_is_ready_is_seen_after_the_turn_that_a_timeout_began():
    """
    That turn alone is not preceded by a look, which would give the interpreter's lock away.
    """
    reading, writing = os.pipe()
    try:
        with closing(PreciseSelector()) as selector:
            selector.register(reading, 1)
            assert selector.select(0.001) == []
            os.write(writing, b"x")

            assert [len(selector.select(0)) for _ in range(3)] == [0, 1, 1]
            assert selector.select(0.001)
            assert selector.select(0)
    finally:
        os.close(reading)
        os.close(writing)


def test_a_descriptor_too_high_for_select_is_waited_for_by_epoll(monkeypatch):
    """
    In a process with a thousand open files the loop still works, with the usual rounding.
    """
    with closing(PreciseSelector()) as selector:
        monkeypatch.setattr("hermetic.world.http.precise_loop._SELECTABLE", 0)
        monkeypatch.setattr("select.select", lambda *_: pytest.fail("select cannot take it"))

        assert selector.select(0.001) == []


def test_timers_fire_in_order_and_never_early():
    """
    As asyncio promises.
    """
    loop = new_precise_loop()

    async def sleepy(seconds: float) -> float:
        begun = loop.time()
        await asyncio.sleep(seconds)
        return loop.time() - begun - seconds

    async def main() -> list[float]:
        return await asyncio.gather(*(sleepy(n / 3000) for n in range(1, 20)))

    with closing(loop):
        late = loop.run_until_complete(main())

    assert min(late) >= -1e-6
