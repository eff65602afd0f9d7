"""
Event loops, and how the census gets a moment on one to close things properly.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
import time
import weakref
from asyncio import base_events, events, selector_events
from functools import partial
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import after, all_of, at_creation, replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import FrameType

    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.site import RawSite
    from hermetic.guard.census.tracker import Intake

PATIENCE = 1.0
# Files whose closing of a runner ends a test or a fixture, while any other code's is that code's own way to clean up.
_TEST_RUNNERS = ("pytest_asyncio", "anyio", "async_case.py", "pytest_aiohttp", "pytest_plugin.py")


def can_run(loop: Any) -> bool:
    """
    Whether the census may run this loop now: it is open, and nobody runs it or another one in this thread.
    """
    return (
        isinstance(loop, asyncio.AbstractEventLoop)
        and not loop.is_closed()
        and not loop.is_running()
        and events._get_running_loop() is None  # noqa: SLF001 - the public call raises when there is none
    )


def spin(loop: asyncio.AbstractEventLoop, *, times: int = 3) -> None:
    """
    Let a loop do what it has ready, so that what was cancelled or closed a moment ago can end.
    """
    for _ in range(times):
        coroutine = asyncio.sleep(0)
        loop.run_until_complete(coroutine)


def run(loop: asyncio.AbstractEventLoop, awaitable: Awaitable[object], *, timeout: float = PATIENCE) -> None:
    """
    Run a clean-up on its loop.

    Raises:
        TimeoutError: it took longer than `timeout` seconds.
    """

    async def bounded() -> None:
        await asyncio.wait_for(awaitable, timeout)

    loop.run_until_complete(bounded())


def is_closed_by_test_runner() -> bool:
    """
    Whether the shutdown of a loop, from which this is called, was asked for by what runs tests.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - who closes a runner decides what the closing means
    while frame is not None:
        file = frame.f_code.co_filename
        if _is_test_runners(file):
            return True
        if not _is_between(file):
            return False
        frame = frame.f_back
    return False


@functools.cache
def _is_test_runners(file: str) -> bool:
    return any(name in file for name in _TEST_RUNNERS)


@functools.cache
def _is_between(file: str) -> bool:
    return any(name in file for name in ("asyncio", "hermetic", "contextlib"))


@functools.cache
def _is_pytest_asyncios_or_below(file: str) -> bool:
    return any(name in file for name in ("asyncio/", "hermetic", "contextlib"))


def is_pytest_asyncios_own(where: RawSite) -> bool:
    """
    Whether a loop that was made there is the one that pytest-asyncio gets from `get_event_loop()` when it looks for the
    loop to put back later, and keeps for the life of the process.
    """
    is_implicit = False
    for code, _ in where[0]:
        if not _is_pytest_asyncios_or_below(code.co_filename):
            return False
        if "pytest_asyncio" in code.co_filename:
            return is_implicit
        is_implicit = is_implicit or code.co_name == "get_event_loop"
    return False


class EventLoops(Basic):
    kind = "asyncio.loop"
    noun = "event loop"
    title = "Event loop"
    verb = "never closed"
    rank = 90
    remedy = Remedy(
        text="Let the runner make and close it, or close it in a finally:",
        code="with asyncio.Runner() as runner:\n    runner.run(main())",
    )

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def install(self, intake: Intake) -> Callable[[], None]:
        # By loop, until its sockets are made: where it was, and whether it is pytest-asyncio's own.
        begun: weakref.WeakKeyDictionary[Any, tuple[RawSite, bool]] = weakref.WeakKeyDictionary()

        def made(loop: Any, *_: object) -> None:
            # Above this function: `called`, then the caller.
            entry = intake.opened(self, loop, skip=3)
            is_own = is_pytest_asyncios_own(entry.site)
            if is_own:
                intake.forget(entry)
            begun[loop] = entry.site, is_own

        def with_sockets(original: Callable[[Any], None]) -> Callable[[Any], None]:
            # The two sockets by which a loop is woken have been made where it was.
            def _make_self_pipe(loop: Any) -> None:
                __tracebackhide__ = True
                where, is_own = begun.pop(loop, (None, False))
                if where is None:
                    original(loop)
                    return
                intake.placing(where, partial(original, loop))
                if is_own:
                    for entry in [intake.find(one, "socket") for one in (loop._ssock, loop._csock)]:  # noqa: SLF001 - loops do not tell
                        if entry is not None:
                            intake.forget(entry)

            return _make_self_pipe

        undoes = [
            after(base_events.BaseEventLoop, "__init__", made),
            replace(selector_events.BaseSelectorEventLoop, "_make_self_pipe", with_sockets),
        ]
        # uvloop's loop is written in C; only the class that it exports can be watched.
        self._arrivals.when("uvloop", lambda uvloop: undoes.append(at_creation(uvloop.Loop, self, intake)))
        return all_of(undoes)

    def is_open(self, resource: asyncio.AbstractEventLoop) -> bool:
        return not resource.is_closed()

    def belongings(self, resource: asyncio.AbstractEventLoop) -> Sequence[object]:
        """
        Its default executor alone, which it shuts down: whoever runs code on a broader fixture's loop leaves transports and
        timers in it, and they stay theirs.
        """
        executor: object = getattr(resource, "_default_executor", None)
        return () if executor is None else ([executor],)

    def subject(self, resource: asyncio.AbstractEventLoop, note: str) -> str:
        del note
        return safe_repr(resource)

    def evidence(self, resource: asyncio.AbstractEventLoop) -> list[str]:
        return ["it is still running, in another thread"] if resource.is_running() else []

    def mend(self, resource: asyncio.AbstractEventLoop) -> str:
        if resource.is_running():
            resource.call_soon_threadsafe(resource.stop)
            deadline = time.monotonic() + PATIENCE
            while resource.is_running():
                if time.monotonic() > deadline:
                    raise TimeoutError(f"it did not stop within {PATIENCE} s")
                time.sleep(0.001)  # its thread needs the interpreter to stop
        with contextlib.suppress(Exception):
            resource.run_until_complete(resource.shutdown_asyncgens())
        resource.close()
        return "closed"
