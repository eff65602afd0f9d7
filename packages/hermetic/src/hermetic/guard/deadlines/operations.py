"""
The named table of time limits: what kind of operation may take how long.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

from hermetic.guard.deadlines.budget import BudgetError, seconds
from hermetic.guard.deadlines.machine import machine_factor
from hermetic.guard.deadlines.scope import Deadline
from hermetic.guard.deadlines.statistics import OperationLedger, OperationStatistics

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

# Seconds; `concurrent` is its least value, see `Timeouts.concurrent`.
DEFAULTS: Mapping[str, float] = MappingProxyType(
    {
        "admin_command": 5.0,
        "ip_check": 30.0,
        "http_request": 10.0,
        "discord_api": 10.0,
        "database": 10.0,
        "workflow": 15.0,
        "concurrent": 15.0,
    }
)
_FEW, _MANY = 10, 100


class Timeouts:
    """
    Deadlines by the name of the operation: `async with timeouts.ip_check():`, `@timeouts.database()`.

    Budgets are the defaults, then what `configure` set, then what an `overridden` block around the caller says; all of
    them times the factor. Every run is counted, see `statistics`.
    """

    def __init__(self) -> None:
        self._configured: dict[str, float] = dict(DEFAULTS)
        self._factor = 1.0
        self._overrides: ContextVar[Mapping[str, float]] = ContextVar("hermetic_timeouts", default=MappingProxyType({}))
        self._ledger = OperationLedger()

    @property
    def budgets(self) -> Mapping[str, float]:
        """
        What holds here and now, in seconds, the factor applied.
        """
        return {name: value * self._factor for name, value in {**self._configured, **self._overrides.get()}.items()}

    @property
    def factor(self) -> float:
        return self._factor

    def configure(
        self, budgets: Mapping[str, float] | None = None, *, factor: float | None = None, source: str = "configure(…)"
    ) -> None:
        """
        Set budgets for the whole process. New names become operations of their own, for `operation(name)`.

        Raises:
            BudgetError: a value is no budget, or the factor is not a number greater than 0; nothing is changed then.
        """
        checked = {name: seconds(value, source=f"{name} in {source}") for name, value in (budgets or {}).items()}
        new_factor = self._factor if factor is None else seconds(factor, source=f"factor in {source}")
        self._configured.update(checked)
        self._factor = new_factor

    def measure_machine(self) -> float:
        """
        Measure how slow this machine is (it takes about 30 ms), use that as the factor from now on, and return it.
        """
        self._factor = machine_factor()
        return self._factor

    def reset(self) -> None:
        """
        Back to the defaults; statistics are forgotten.
        """
        self._configured = dict(DEFAULTS)
        self._factor = 1.0
        self._ledger.reset()

    @contextmanager
    def overridden(self, **budgets: float) -> Generator[None]:
        """
        Other budgets inside a block, and in the tasks that are started there.

        Raises:
            BudgetError: a value is no budget, or there is no operation of that name.
        """
        for name, value in budgets.items():
            if name not in self._configured:
                known = ", ".join(sorted(self._configured))
                raise BudgetError(value, source=f"overridden({name}=…)", reason=f"no operation {name!r}, only {known}")
            seconds(value, source=f"overridden({name}=…)")
        token = self._overrides.set({**self._overrides.get(), **budgets})
        try:
            yield
        finally:
            self._overrides.reset(token)

    def operation(self, name: str) -> Deadline:
        """
        The deadline of an operation by its name.

        Raises:
            KeyError: nobody has configured that name.
        """
        return self._deadline(name)

    def admin_command(self) -> Deadline:
        return self._deadline("admin_command")

    def ip_check(self) -> Deadline:
        return self._deadline("ip_check")

    def http_request(self) -> Deadline:
        return self._deadline("http_request")

    def discord_api(self) -> Deadline:
        return self._deadline("discord_api")

    def database(self) -> Deadline:
        return self._deadline("database")

    def workflow(self) -> Deadline:
        return self._deadline("workflow")

    def concurrent(self, operations: int = _FEW) -> Deadline:
        """
        For several operations at once: the budget (15 s) for up to 10 of them, twice that (30 s) from 100 on, and in
        proportion between.
        """
        share = min(1.0, max(0.0, (operations - _FEW) / (_MANY - _FEW)))
        return self._deadline("concurrent", times=1 + share)

    def _deadline(self, name: str, *, times: float = 1.0) -> Deadline:
        budgets = self.budgets
        if name not in budgets:
            raise KeyError(f"no operation {name!r}; configure({{{name!r}: seconds}}) makes one")
        caller = sys._getframe(2)
        return Deadline(
            budgets[name] * times,
            operation=name,
            site=f"{caller.f_code.co_filename}:{caller.f_lineno}",
            ledger=self._ledger,
        )

    def statistics(self) -> dict[str, OperationStatistics]:
        """
        Of each operation that has run: count, timeouts, percentiles, and how close it came to its budget.
        """
        return self._ledger.statistics()


# The process's own table, since the name of an operation means the same everywhere in it.
timeouts = Timeouts()
