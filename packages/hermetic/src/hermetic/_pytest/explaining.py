"""
Takes a failure apart while its exception lives, for the journal and for whoever explains it.
"""

from __future__ import annotations

import traceback
from dataclasses import asdict, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic.guard import late

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Iterator

    from hermetic.guard.capture import Project
    from hermetic.record.failure import Failure
    from hermetic.record.memory import TestMemory

# The attribute of a test's teardown report that carries its diagnoses, also from xdist's workers.
DIAGNOSES_ATTRIBUTE = "hermetic_diagnoses"
_HARMLESS = frozenset({"passed", "skipped"})
_NO_FAILURES = (pytest.skip.Exception, pytest.exit.Exception)
# Of a test that catches what leaves its loops, the last ones.
_MOST_LEFT = 20
_DEEPEST = 50


class Explaining(Hooks):
    """
    Keeps what was taken of the exception of each part of a test until it is asked for.
    """

    def __init__(self, *, root: str) -> None:
        self._root = root
        self._project: Project | None = None
        self._failures: dict[tuple[str, str], Failure] = {}
        # By the identity of an exception that left a loop in this part of a test: holding it would hold its frames.
        self._alive: dict[int, str] = {}

    def take(self, nodeid: str, phase: str) -> Failure | None:
        return self._failures.pop((nodeid, phase), None)

    def left_loop(self, loop: AbstractEventLoop | None, error: BaseException) -> None:
        """
        An exception leaves a loop: what its tasks wait for is looked at now, since they are cancelled before a test's failure
        is reported.
        """
        if loop is None or id(error) in self._alive or isinstance(error, _NO_FAILURES):
            return
        try:
            capture = late.load("hermetic.guard.capture")
            seen = capture.take_loop(loop, project=self._own())
            text = capture.details(seen, root=self._root) or "no other task was alive"
        except Exception as problem:  # noqa: BLE001 - what stands beside a failure must not take its place
            text = f"the tasks could not be read: {type(problem).__name__}: {problem}"
        if len(self._alive) >= _MOST_LEFT:
            self._alive.pop(next(iter(self._alive)))
        self._alive[id(error)] = text

    def _own(self) -> Project:
        # Only failures pay for it, and a test that failed may have left the imports in pieces.
        project: Project = self._project or late.load("hermetic.guard.capture.lines").Project()
        self._project = project
        return project

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.excinfo is not None and not isinstance(call.excinfo.value, _NO_FAILURES):
            from hermetic.record.diagnosis.facts import facts_of  # noqa: PLC0415 - only failures pay for it

            failure_of = late.load("hermetic.record.taking").failure_of
            given: dict[str, object] = getattr(item, "funcargs", {})
            failure: Failure = failure_of(
                call.excinfo.value, project=self._own(), facts=facts_of, given=given, root=self._root
            )
            alive = next((self._alive[id(one)] for one in _parts(call.excinfo.value) if id(one) in self._alive), "")
            self._failures[item.nodeid, call.when] = replace(failure, tasks=alive) if alive else failure
        if self._alive:
            self._alive.clear()


def _parts(error: BaseException) -> Iterator[BaseException]:
    # The exceptions of a group come before it: a group of tasks was left when the first of them was raised, and all ended.
    left, seen = [error], set[int]()
    while left and len(seen) < _DEEPEST:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, BaseExceptionGroup):
            members: tuple[BaseException, ...] = one.exceptions  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # of any exceptions
            yield from members
            left += members
        yield one
        left += [link for link in (one.__context__, one.__cause__) if link is not None]


class Diagnosing:
    """
    Explains a failed test when its teardown is reported, from the events of that test.
    """

    def __init__(self, memory: TestMemory) -> None:
        self._memory = memory
        self._is_bad = False

    def told(self, report: pytest.TestReport) -> None:
        """
        A part of a test was reported, and its events are in memory.
        """
        if report.outcome not in _HARMLESS and not hasattr(report, "wasxfail"):
            self._is_bad = True
        if report.when != "teardown":
            return
        if self._is_bad:
            setattr(report, DIAGNOSES_ATTRIBUTE, self._explain(report.nodeid))
        self._memory.forget()
        self._is_bad = False

    def _explain(self, nodeid: str) -> list[dict[str, Any]]:
        from hermetic.record.diagnosis.collecting import ErrorDiagnostics  # noqa: PLC0415 - only failures pay for it

        try:
            found = ErrorDiagnostics(self._memory.events()).diagnose().get(nodeid, ())
        except Exception as error:  # noqa: BLE001 - a test may have replaced the clock itself; its outcome stands
            self._memory.emit(
                late.load("hermetic.guard.events").ComponentFailed(
                    at_s=monotonic(),
                    component="diagnosis",
                    step=nodeid,
                    error=f"{type(error).__name__}: {error}",
                    traceback="".join(traceback.format_exception(error)),
                )
            )
            return []
        return [asdict(one) for one in found]
