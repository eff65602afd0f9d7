"""
The time that the tests of one module share.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic.guard.deadlines.budget import describe_seconds

if TYPE_CHECKING:
    from hermetic._pytest.budgets import Budgets


class ModuleTime(Hooks):
    """
    Counts from the first setup in a module, and refuses its tests once the time is used up.
    """

    def __init__(self, budgets: Budgets) -> None:
        self._budget_s = budgets.module
        self._source = budgets.source("module")
        self._module = ""
        self._ends_at = 0.0

    def bound(self, item: pytest.Item, budget: float | None, source: str) -> tuple[float | None, str]:
        """
        The budget of a part of a test and where it comes from, cut to what is left of its module's time.
        """
        if self._budget_s is None:
            return budget, source
        module = item.nodeid.partition("::")[0]
        now = monotonic()
        if self._module != module:
            self._module, self._ends_at = module, now + self._budget_s
        left = self._ends_at - now
        if left <= 0 or (budget is not None and budget <= left):
            return budget, source  # used up already: the setup refuses the test, its teardown has its own time
        return left, f"what is left of its module's {describe_seconds(self._budget_s)}, from {self._source}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        if self._budget_s is not None and monotonic() >= self._ends_at:
            told = describe_seconds(self._budget_s)
            pytest.fail(f"not run: its module has used up its {told} (from {self._source})", pytrace=False)
