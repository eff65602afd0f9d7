"""
Takes a failure apart while its exception lives, for the journal and for whoever explains it.
"""

from __future__ import annotations

import traceback
from dataclasses import asdict
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from hermetic.guard import late

if TYPE_CHECKING:
    from hermetic.guard.capture import Project
    from hermetic.record.failure import Failure
    from hermetic.record.memory import TestMemory

# The attribute of a test's teardown report that carries its diagnoses, also from xdist's workers.
DIAGNOSES_ATTRIBUTE = "hermetic_diagnoses"
_HARMLESS = frozenset({"passed", "skipped"})
_NO_FAILURES = (pytest.skip.Exception, pytest.exit.Exception)


class Explaining:
    """
    Keeps what was taken of the exception of each part of a test until it is asked for.
    """

    def __init__(self) -> None:
        self._project: Project | None = None
        self._failures: dict[tuple[str, str], Failure] = {}

    def take(self, nodeid: str, phase: str) -> Failure | None:
        return self._failures.pop((nodeid, phase), None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.excinfo is not None and not isinstance(call.excinfo.value, _NO_FAILURES):
            from hermetic.record.diagnosis.facts import facts_of  # noqa: PLC0415 - only failures pay for it

            # Only failures pay for these either, and a test that failed may have left the imports in pieces.
            self._project = self._project or late.load("hermetic.guard.capture.lines").Project()
            failure_of = late.load("hermetic.record.taking").failure_of
            given: dict[str, object] = getattr(item, "funcargs", {})
            self._failures[item.nodeid, call.when] = failure_of(
                call.excinfo.value,
                project=self._project,
                facts=facts_of,
                given=given,
                root=str(item.config.rootpath),
            )


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
