"""
Takes a failure apart while its exception lives, for the journal and for whoever explains it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hermetic.guard.capture import Project
from hermetic.record.taking import failure_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from hermetic.record.failure import Failure

_NO_FAILURES = (pytest.skip.Exception, pytest.exit.Exception)


class Explaining:
    """
    Keeps what was taken of the exception of each part of a test until it is asked for.
    """

    def __init__(self) -> None:
        self._project = Project()
        self._failures: dict[tuple[str, str], Failure] = {}

    def take(self, nodeid: str, phase: str) -> Failure | None:
        return self._failures.pop((nodeid, phase), None)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        if call.excinfo is not None and not isinstance(call.excinfo.value, _NO_FAILURES):
            self._failures[item.nodeid, call.when] = failure_of(call.excinfo.value, project=self._project)
        return (yield)
