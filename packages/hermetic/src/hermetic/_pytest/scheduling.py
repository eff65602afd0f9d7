"""
Virtual time and interleaving for tests: a fixture and two markers. `--hermetic-seed`, which the mock servers define, replays
one order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic._pytest.marks import by_name, marked, names_of

# What the tests need that ask for it is imported for them: it brings asyncio.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from collections.abc import Generator

    from hermetic.guard.schedule import VirtualClock

# All that pytest looks at when this module is registered, see `hermetic._pytest.hooks`.
__all__ = ["pytest_collection_finish", "pytest_pycollect_makeitem", "virtual_clock"]


def __dir__() -> list[str]:
    return __all__


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
    from hermetic.guard.schedule import VirtualClock

    mark = request.node.get_closest_marker("virtual_time")
    clock = VirtualClock()
    clock.start(follow=bool(mark is not None and mark.kwargs.get("follow", False)))
    try:
        yield clock
    finally:
        clock.stop()


def pytest_collection_finish(session: pytest.Session) -> None:
    marked_by = by_name(session)
    for item in marked_by.get("virtual_time", ()):
        if isinstance(item, pytest.Function) and "virtual_clock" not in item.fixturenames:
            item.fixturenames.insert(0, "virtual_clock")
    # A hook that every test passes is there only if some test is marked.
    if "interleave" in marked_by:
        session.config.pluginmanager.register(Interleaved(), "hermetic-interleaved")


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class) -> Generator[None, object, object]:
    """
    A marker that cannot be read is refused before anything runs, with its file and line.
    """
    made = yield
    if names_of(collector, made).isdisjoint(MARKERS):
        return made
    several = made if _is_list(made) else [made]
    for one, marks in marked(one for one in several if isinstance(one, pytest.Item)):
        if isinstance(one, pytest.Function) and any(mark.name in MARKERS for mark in marks):
            _check(one)
    return made


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _check(item: pytest.Function) -> None:
    from hermetic._pytest.interleaving import coroutine_function, seeds_of

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


class Interleaved(Hooks):
    """
    Runs interleaved tests on loops of their own, instead of the plugin that runs other async tests.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> object | None:
        from hermetic._pytest.interleaving import coroutine_function, run, seeds_of

        mark = pyfuncitem.get_closest_marker("interleave")
        function = coroutine_function(pyfuncitem) if mark is not None else None
        if mark is None or function is None:
            return None
        run(pyfuncitem, function, seeds=seeds_of(mark, source=pyfuncitem.nodeid), again="")
        return True
