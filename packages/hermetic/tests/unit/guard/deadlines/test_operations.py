"""
The named table of time limits, and its statistics.
"""

import asyncio

import hermetic
import pytest
from hermetic import BudgetError, DeadlineExceeded, Timeouts
from hermetic.guard.deadlines.machine import machine_factor
from hermetic.guard.deadlines.statistics import NAMES, OTHERS, OperationLedger


@pytest.fixture
def table():
    return Timeouts()


@pytest.mark.parametrize(
    "name, budget",
    [
        ("admin_command", 5),
        ("ip_check", 30),
        ("http_request", 10),
        ("discord_api", 10),
        ("database", 10),
        ("workflow", 15),
        ("concurrent", 15),
    ],
)
def test_the_table_holds_the_named_budgets(table, name, budget):
    """
    Each operation is a method, and has the budget that the documentation gives.
    """
    assert getattr(table, name)().budget_s == budget
    assert table.operation(name).operation == name


@pytest.mark.parametrize("operations, budget", [(1, 15), (10, 15), (55, 22.5), (100, 30), (5000, 30)])
def test_concurrent_operations_get_more_time_the_more_they_are(table, operations, budget):
    """
    15 s for up to ten, 30 s from a hundred on, in proportion between.
    """
    assert table.concurrent(operations).budget_s == budget


async def test_an_override_holds_inside_its_block_and_in_tasks_started_there(table):
    """
    A test may shorten a limit for the code under test without touching others.
    """

    async def budget_in_task():
        return table.ip_check().budget_s

    with table.overridden(ip_check=0.01):
        task = asyncio.create_task(budget_in_task())
        with pytest.raises(DeadlineExceeded, match="'ip_check'"):
            async with table.ip_check():
                await asyncio.Event().wait()

    assert await task == 0.01
    assert table.ip_check().budget_s == 30


def test_configured_budgets_are_scaled_by_the_factor(table):
    """
    Settings replace defaults, the machine's factor multiplies all, and reset forgets both.
    """
    table.configure({"ip_check": 2, "import": 7}, factor=3, source="pyproject.toml")

    assert (table.ip_check().budget_s, table.operation("import").budget_s, table.database().budget_s) == (6, 21, 30)

    table.reset()

    assert table.ip_check().budget_s == 30


def test_a_bad_setting_changes_nothing(table):
    """
    Settings are checked as a whole, and the error names their source.
    """
    with pytest.raises(BudgetError, match=r"database in pyproject\.toml"):
        table.configure({"ip_check": 2, "database": -1}, source="pyproject.toml")
    with pytest.raises(BudgetError, match="factor in"):
        table.configure({"ip_check": 2}, factor=float("nan"))

    assert table.ip_check().budget_s == 30


def test_an_unknown_operation_is_told(table):
    """
    A typing error does not silently mean "no deadline".
    """
    with pytest.raises(KeyError, match="no operation 'ipcheck'"):
        table.operation("ipcheck")
    with pytest.raises(BudgetError, match="no operation 'ipcheck'"), table.overridden(ipcheck=1):
        pass


async def test_runs_are_counted_with_percentiles_and_the_closest_call(table):
    """
    Every run counts; a timeout counts as one; what was left at the least is known.
    """
    for _ in range(3):
        async with table.database():
            pass
    with table.overridden(database=0.01), pytest.raises(DeadlineExceeded):
        async with table.database():
            await asyncio.Event().wait()

    row = table.statistics()["database"]

    assert (row.count, row.timeouts, row.budget_s) == (4, 1, 0.01)
    assert row.p50_s <= row.p99_s
    assert row.p99_s >= 0.01
    assert 0 < row.closest_s <= 10
    assert "database: 4 runs, 1 timed out" in str(row)


def test_the_decorator_counts_too(table):
    """
    `@timeouts.database()` on an ordinary function.
    """

    @table.database()
    def save():
        return "saved"

    assert save() == "saved"
    assert table.statistics()["database"].count == 1


def test_percentiles_are_by_nearest_rank():
    """
    100 values of 1 to 100: the median is 50, the 99th percentile 99.
    """
    ledger = OperationLedger()
    for value in range(100, 0, -1):
        ledger.record("x", elapsed_s=value, budget_s=200, timed_out=False)

    row = ledger.statistics()["x"]

    assert (row.p50_s, row.p99_s, row.closest_s) == (50, 99, 100)


def test_names_are_bounded():
    """
    Computed names cannot fill the memory: past the bound they share one row.
    """
    ledger = OperationLedger()
    for number in range(NAMES + 50):
        ledger.record(f"fetch {number}", elapsed_s=1, budget_s=2, timed_out=False)

    rows = ledger.statistics()

    assert len(rows) == NAMES + 1
    assert rows[OTHERS].count == 50


@pytest.mark.parametrize("round_s, factor", [(0.0001, 1), (0.0046, 2), (9, 20)])
def test_the_machine_factor_is_the_median_round_over_the_reference(round_s, factor):
    """
    A slow machine gives a larger factor, a fast one 1, and no machine more than 20.
    """

    class Clock:
        now = 0.0

        def monotonic(self):
            self.now += round_s
            return self.now

    assert machine_factor(Clock()) == pytest.approx(factor)


def test_the_process_has_one_table():
    """
    `hermetic.timeouts` is the table that code under test and its tests share.
    """
    assert isinstance(hermetic.timeouts, Timeouts)
    assert hermetic.timeouts.measure_machine() >= 1
    hermetic.timeouts.reset()
