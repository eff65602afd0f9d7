"""
The ladder around the parts of each test: which phase begins and ends, and what becomes of a hang.
"""

from __future__ import annotations

import sys
from dataclasses import fields
from time import monotonic
from typing import TYPE_CHECKING, TypeGuard

import pytest

from hermetic._pytest import budgets as budget_options
from hermetic._pytest.cancelling import is_cancellation
from hermetic._pytest.ending import Ending, LostTests
from hermetic._pytest.hooks import Hooks
from hermetic._pytest.marks import names_of
from hermetic._pytest.moduletime import ModuleTime
from hermetic.guard import late
from hermetic.guard.deadlines.budget import describe_seconds
from hermetic.guard.deadlines.ladder import Ladder
from hermetic.guard.deadlines.rung import Rung
from hermetic.guard.deadlines.watchdog import Watchdog

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Generator, Sequence

    from hermetic._pytest.budgets import Budgets
    from hermetic.foundation import Clock, Event, Sink
    from hermetic.guard.capture import Capture
    from hermetic.guard.capture.doors import Doors, Leaving
    from hermetic.guard.capture.lines import Project
    from hermetic.guard.capture.taking import ContextProvider
    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.deadlines.hang import Hang
    from hermetic.record.memory import TestMemory

_RECENT = 15
_LONGEST = 160
# Needed only when something hangs.
_CAPTURE = "hermetic.guard.capture"


def last_events(memory: TestMemory) -> ContextProvider:
    """
    What a capture is told of the last events.
    """

    def told() -> tuple[str, list[str]]:
        now = monotonic()
        return "last events", [f"{now - event.at_s:8.3f} s ago  {_said(event)}" for event in memory.recent(_RECENT)]

    return told


def _said(event: Event) -> str:
    # Its short values: texts of several lines and nested records would bury the others.
    values = (getattr(event, field.name) for field in fields(event) if field.name not in {"at_s", "kind"})
    words = [str(value) for value in values if isinstance(value, (str, int, float)) and "\n" not in str(value)]
    text = " ".join([event.kind, *(word for word in words if word)])
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def mock_requests() -> tuple[str, Sequence[str]]:
    """
    What mock servers have not answered; nothing where none was ever imported.
    """
    if "hermetic.world.http.server" not in sys.modules:
        return "mock requests in flight", ()
    from hermetic.world.http.telling import requests_in_flight  # noqa: PLC0415 - only in a capture, and if there are servers

    return requests_in_flight()


def _watched(part: str) -> Callable[[Hangs, pytest.Item], Generator[None]]:
    # One generator a part of a test, with nothing below it: each test pays three.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def phase(self: Hangs, item: pytest.Item) -> Generator[None]:
        self._begin(item, part)
        try:
            result = yield
        except BaseException as error:
            self._raised(error, item)
            raise
        hang = self._ladder.disarm()
        if hang is not None:
            self._returned(hang, item)
        return result

    return phase


class Hangs(Hooks):
    """
    One session's deadlines, registered as a plugin of its own. `left` is told of every exception that leaves an event loop, or
    that ends a group of tasks, before the tasks behind it end.
    """

    def __init__(
        self,
        config: pytest.Config,
        budgets: Budgets,
        *,
        sink: Sink,
        clock: Clock,
        providers: list[ContextProvider],
        left: Callable[[AbstractEventLoop | None, BaseException], None],
    ) -> None:
        self._config = config
        self._budgets = budgets
        self._sink = sink
        self._clock = clock
        self._providers = providers
        self._left = left
        self._root = str(config.rootpath)
        self._project: Project | None = None
        self._lost = LostTests(config)
        self._ending = Ending(config, lost=self._lost)
        self._dog = Watchdog()
        self._ladder = Ladder(self, dog=self._dog, grace=budgets.grace or 0.5, backstop=self._ending.backstop)
        self._doors: Doors | None = None
        self._item: pytest.Item | None = None
        self._part = ""
        self._module_time = ModuleTime(budgets)
        # Of the tests without a marker of their own, which are most.
        self._usual: dict[str, tuple[float | None, str]] = {
            part: (getattr(budgets, part), budgets.source(part)) for part in ("setup", "call", "teardown")
        }
        self._session_watch = self._dog.watch(self._session_over)
        self._session: pytest.Session | None = None
        # Markers that somebody has registered and that are no deadline.
        self._plain: frozenset[str] = frozenset()
        self._is_debugged = bool(config.getoption("usepdb", default=False) or config.getoption("trace", default=False))
        # Whether any test may have another deadline than the usual.
        self._is_special = self._is_debugged or budgets.module is not None

    def start(self, arrivals: Arrivals) -> None:
        if self._budgets.module is not None:
            self._config.pluginmanager.register(self._module_time, "hermetic-module-time")
        self._ladder.install()
        arrivals.when("asyncio", self._watch_doors)
        self._ending.start(self._dog, self._budgets.exit)

    def stop(self) -> None:
        self._session_watch.clear()
        self._ladder.uninstall()
        if self._doors is not None:
            self._doors.uninstall()
        self._ending.stop()
        if self._budgets.exit is None:
            self._dog.close()
        # Otherwise its thread stays for the exit, since none can be started then; it ends by itself when it stays idle.

    def _watch_doors(self, _: object) -> None:
        leaving: Leaving = self._leaving
        doors: Doors = late.load("hermetic.guard.capture.doors").Doors(leaving)
        doors.install()
        self._doors = doors

    # ------------------------------------------------------------ phases

    pytest_runtest_setup = _watched("setup")
    pytest_runtest_call = _watched("call")
    # Its own budget, whatever became of the call: cleaning up must be possible after a timeout, and must end.
    pytest_runtest_teardown = _watched("teardown")

    def _begin(self, item: pytest.Item, part: str) -> None:
        budget, source = self._usual[part]
        if self._is_special:
            budget, source = self._special(item, part)
        if budget is not None:
            self._item, self._part = item, part
            self._ladder.arm(part, budget, source=source)

    def _special(self, item: pytest.Item, part: str) -> tuple[float | None, str]:
        if self._is_debugged:
            return None, ""
        budget, source = self._usual[part]
        if budget_options.KEY in item.stash:
            own = item.stash[budget_options.KEY]
            budget, source = getattr(own, part), own.source(part)
        if self._budgets.module is not None and part != "teardown":
            budget, source = self._module_time.bound(item, budget, source)
        return budget, source

    def _raised(self, error: BaseException, item: pytest.Item) -> None:
        hang = self._ladder.disarm()
        if hang is not None and not isinstance(error, KeyboardInterrupt | SystemExit):
            self._lost.forget()
            self._ended(hang, item)
            raise self._failure(hang, item.nodeid, error) from None

    def _returned(self, hang: Hang, item: pytest.Item) -> None:
        self._lost.forget()
        self._ended(hang, item)
        raise self._failure(hang, item.nodeid, None)

    def _ended(self, hang: Hang, item: pytest.Item) -> None:
        self._sink.emit(
            late.load("hermetic.guard.deadlines.events").HangEnded(
                at_s=self._clock.monotonic(),
                test=item.nodeid,
                phase=self._part,
                ended_by={Rung.CANCELLED: "cancelled", Rung.INTERRUPTED: "interrupted"}.get(hang.rung, "by itself"),
                is_responsive=any(task.is_main and task.wait is not None for task in hang.capture.tasks),
            )
        )

    def pytest_enter_pdb(self) -> None:
        self._ladder.disarm()
        self._is_debugged = self._is_special = True

    def pytest_leave_pdb(self) -> None:
        self._is_debugged = False

    # ------------------------------------------------------------ collection, session

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        if self._budgets.collection is None or not isinstance(collector, pytest.File):
            return (yield)
        self._item, self._part = None, f"collection of {collector.nodeid}"
        self._ladder.arm(self._part, self._budgets.collection, source=self._budgets.source("collection"))
        try:
            report = yield
        finally:
            hang = self._ladder.disarm()
        if hang is not None:
            report.outcome = "failed"
            report.longrepr = self._text(hang, collector.nodeid, None)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Module | pytest.Class) -> Generator[None, object, object]:
        made = yield
        if names_of(collector, made) <= self._plain:
            return made
        several = made if _is_list(made) else [made]
        items = [one for one in several if isinstance(one, pytest.Item)]
        if items:
            known = frozenset(str(line).split(":")[0].split("(")[0].strip() for line in self._config.getini("markers"))
            self._is_special |= budget_options.check_markers(items, self._budgets, known)
            self._plain = known - {budget_options.NAME}
        return made

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = self._ending.session = session
        if self._budgets.session is not None:
            self._session_watch.set(monotonic() + self._budgets.session)

    def pytest_sessionfinish(self) -> None:
        self._session_watch.clear()

    def _session_over(self) -> None:
        source = f"the session's {describe_seconds(self._budgets.session or 0)}, from {self._budgets.source('session')}"
        if self._session is not None:
            self._session.shouldfail = f"the time of the whole run was over: {source}"
        self._ladder.expire(source)

    # ------------------------------------------------------------ what the ladder asks

    def capture(self) -> Capture:
        module = late.load(_CAPTURE)
        self._project = self._project or module.Project()
        capture: Capture = module.take(project=self._project, providers=self._providers)
        return capture

    def captured(self, hang: Hang) -> None:
        nodeid = self._nodeid()
        at = hang.capture.waiting_at
        text = self._text(hang, nodeid, None)
        self._lost.keep(nodeid, self._part, text)
        self._sink.emit(
            late.load("hermetic.guard.deadlines.events").DeadlinePassed(
                at_s=self._clock.monotonic(),
                test=nodeid,
                phase=self._part,
                budget_s=hang.budget_s,
                elapsed_s=hang.elapsed_s,
                source=hang.source,
                waiting_at="" if at is None else late.load("hermetic.guard.capture.text").place_of(at, self._root),
                is_deadlock=hang.is_deadlock,
                text=text,
            )
        )

    def stepped(self, hang: Hang) -> None:
        self._sink.emit(
            late.load("hermetic.guard.deadlines.events").HangStep(
                at_s=self._clock.monotonic(), test=self._nodeid(), phase=self._part, step=_STEPS[hang.rung]
            )
        )

    def error(self, hang: Hang) -> BaseException:
        return self._failure(hang, self._nodeid(), None)

    def end(self, hang: Hang) -> None:
        text = self._text(hang, self._nodeid(), None)
        self._lost.keep(self._nodeid(), self._part, text)
        self._ending.end(self._item, self._part, text)

    def _nodeid(self) -> str:
        return self._item.nodeid if self._item is not None else self._part

    def _leaving(self, loop: AbstractEventLoop | None, error: BaseException) -> BaseException | None:
        hang = self._ladder.hang
        if hang is not None and is_cancellation(error):
            return self.error(hang)
        self._left(loop, error)
        return None

    def _failure(self, hang: Hang, nodeid: str, error: BaseException | None) -> BaseException:
        # pytest's own exception for a failed test: it is caught by everything in pytest that must go on.
        failure = pytest.fail.Exception(self._text(hang, nodeid, error), pytrace=False)
        failure.hang = hang  # type: ignore[attr-defined]  # for whoever must tell a hang from another failure
        return failure

    def _text(self, hang: Hang, nodeid: str, error: BaseException | None) -> str:
        first = (
            f"deadlock: nothing can wake this {hang.what} any more"
            if hang.is_deadlock
            else f"hang: {hang.what} took longer than its {describe_seconds(hang.budget_s)} (from {hang.source})"
        )
        capture = late.load(_CAPTURE)
        lines = [first, f"after {hang.elapsed_s:.2f} s it was {capture.waiting(hang.capture, root=self._root)}"]
        lines[1] = lines[1].replace("it was ", "it was waiting at ", 1)
        if hang.rung > Rung.CAPTURED:
            lines.append(f"ended by {_ENDINGS[hang.rung]}")
        if error is not None and not isinstance(error, pytest.fail.Exception) and not is_cancellation(error):
            lines.append(f"while it ended, it raised {type(error).__name__}: {error}")
        lines += ["", capture.details(hang.capture, root=self._root)]
        if self._item is not None:
            lines += ["", f"run again: pytest '{nodeid}'"]
        return "\n".join(lines)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


_STEPS = {Rung.CANCELLED: "cancelled", Rung.INTERRUPTED: "interrupted", Rung.ENDED: "ended"}
_ENDINGS = {
    Rung.CANCELLED: "cancelling the test's task",
    Rung.INTERRUPTED: "interrupting its thread",
    Rung.ENDED: "ending the process, since it could be neither cancelled nor interrupted",
}
