"""
Virtual time and interleaving for tests: a fixture and two markers. `--hermetic-seed`, which the mock servers define, replays
one order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import pytest

from hermetic._pytest.interleaving import coroutine_function, run, seeds_of
from hermetic.guard.schedule import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Generator

MARKERS = {
    "virtual_time": "virtual_time(follow=False): the time of event loops jumps when nothing else can run; "
    "with follow=True, time.time and time.monotonic tell it too",
    "interleave": "interleave(seeds=200): run this async test under so many orders of its tasks",
}


@pytest.fixture
def virtual_clock(request: pytest.FixtureRequest) -> Generator[VirtualClock]:
    """
    Virtual time for this test, and the clock that tells it.
    """
    mark = request.node.get_closest_marker("virtual_time")
    clock = VirtualClock()
    clock.start(follow=bool(mark is not None and mark.kwargs.get("follow", False)))
    try:
        yield clock
    finally:
        clock.stop()


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function) and item.get_closest_marker("virtual_time") is not None:
        names = item.fixturenames
        if "virtual_clock" not in names:
            names.insert(0, "virtual_clock")


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem() -> Generator[None, object, object]:
    """
    A marker that cannot be read is refused before anything runs, with its file and line.
    """
    made = yield
    several = made if _is_list(made) else [made]
    for one in several:
        if isinstance(one, pytest.Function):
            _check(one)
    return made


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _check(item: pytest.Function) -> None:
    path, line, _ = item.reportinfo()
    source = f"the marker in {path}:{(line or 0) + 1}"
    for mark in item.iter_markers("interleave"):
        seeds_of(mark, source=source)
        if coroutine_function(item) is None:
            raise pytest.Collector.CollectError(
                f"{source}: interleave is for async tests; {item.name} is an ordinary function, which has one order."
            )
    for mark in item.iter_markers("virtual_time"):
        wrong = [*map(repr, mark.args), *(repr(name) for name in mark.kwargs if name != "follow")]
        if wrong:
            raise pytest.Collector.CollectError(
                f"{source}: virtual_time() does not take {wrong[0]}; write virtual_time or virtual_time(follow=True)."
            )
        if not isinstance(mark.kwargs.get("follow", False), bool):
            raise pytest.Collector.CollectError(f"{source}: virtual_time(follow=…) is True or False.")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    """
    An interleaved test is run here, on loops of its own, instead of by the plugin that runs other async tests.
    """
    mark = pyfuncitem.get_closest_marker("interleave")
    function = coroutine_function(pyfuncitem) if mark is not None else None
    if mark is None or function is None:
        return None
    run(pyfuncitem, function, seeds=seeds_of(mark, source=pyfuncitem.nodeid), again="")
    return True
