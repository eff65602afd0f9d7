"""
Virtual time and interleaving for tests: a fixture and two markers. `--hermetic-seed`, which the mock servers define, replays
one order.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from hermetic.guard.schedule import InterleavingError, VirtualClock, interleave

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


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    """
    An interleaved test is run here, on loops of its own, instead of by the plugin that runs other async tests.
    """
    mark = pyfuncitem.get_closest_marker("interleave")
    if mark is None:
        return None
    function: Any = inspect.unwrap(getattr(pyfuncitem.obj, "pytest_asyncio_original", pyfuncitem.obj))
    if not inspect.iscoroutinefunction(function):
        pytest.fail(f"{pyfuncitem.nodeid} is marked interleave, which is for async tests", pytrace=False)
    seeds = mark.kwargs.get("seeds", mark.args[0] if mark.args else 200)
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        pytest.fail(f"interleave(seeds={seeds!r}) on {pyfuncitem.nodeid}: give a whole number from 1", pytrace=False)
    bound = function if pyfuncitem.instance is None else function.__get__(pyfuncitem.instance)
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(bound).parameters}
    try:
        interleave(lambda: bound(**arguments), seeds=seeds, seed=pyfuncitem.config.getoption("--hermetic-seed"))
    except InterleavingError as error:
        # The failure itself, with its traceback, and what it takes.
        error.error.add_note(str(error))
        raise error.error from None
    return True
