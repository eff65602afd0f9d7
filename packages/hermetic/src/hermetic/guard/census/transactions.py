"""
Transactions that are left open on a SQLite connection of somebody else, who lives on.

A broader fixture's connection is judged when that fixture is torn down. A transaction that a test began on it and left
open is that test's: it holds the write lock, and the next test works inside it. One that the fixture itself has begun,
as those do that roll everything back in the end, was there before the test and is silent.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard import audit, late
from hermetic.guard.census.guessing import guess
from hermetic.guard.census.ledger import HeldEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hermetic.guard.census.census import Census
    from hermetic.guard.ownership import Roll, Tenure

_KIND = "sqlite3.connection"
# By their names, since a connection tells nobody that a transaction begins.
_CALLS = ("execute", "executemany", "executescript")


class Transactions:
    """
    Watches the connections of fixtures that outlive a test.
    """

    kind = "sqlite3.transaction"
    remedy = Remedy(
        text="Commit or roll back where the transaction began, whatever happens between:",
        code="with connection:  # commits, or rolls back on an exception\n    connection.execute(…)",
    )

    def __init__(self, census: Census, *, roll: Roll) -> None:
        self._census = census
        self._roll = roll
        # Whose code ran when it was first seen inside a transaction.
        self._begun: dict[HeldEntry, Tenure] = {}
        self._has_seen = False

    def start(self) -> Callable[[], None]:
        def connected(arguments: object) -> None:
            del arguments
            self._has_seen = True

        return audit.listen("sqlite3.connect", connected)

    def look(self, ran: Tenure, *, is_brief: bool) -> None:
        if is_brief or not self._has_seen:
            return
        inside = dict(self._inside())
        self._begun = {entry: self._begun.get(entry, ran) for entry in inside}

    def judge(self, ended: Sequence[Tenure]) -> None:
        for entry, began in tuple(self._begun.items()):
            if began in ended and began is not entry.tenure and _stays_open(entry()):
                self._census.happened(self._case(entry, began))
                # Told once; where it cannot be rolled back, it is what the next test finds.
                self._begun[entry] = entry.tenure

    def _inside(self) -> Iterator[tuple[HeldEntry, Any]]:
        for tenure in self._roll.living():
            if not tenure.breadth:
                continue
            for entry in self._census.ledger.page(tenure):
                if isinstance(entry, HeldEntry) and entry.tracker.kind == _KIND:
                    connection = entry()
                    with contextlib.suppress(Exception):  # closed, or a user's class that raises
                        if connection.in_transaction:
                            yield entry, connection

    def _case(self, entry: HeldEntry, began: Tenure) -> Any:
        connection = entry()
        origin, about = guess(began.owner, _CALLS)
        return late.load("hermetic.guard.census.cases").Case(
            kind=self.kind,
            title="SQLite transaction left open on a connection of a broader fixture",
            subject=entry.tracker.subject(connection, entry.note),
            remedy=self.remedy,
            tenure=began,
            site=None,
            origin=origin,
            evidence=[f"the connection belongs to {entry.tenure.owner}, which lives on", about],
            mend=lambda: _roll_back(connection),
        )


def _stays_open(connection: Any) -> bool:
    """
    Whether a transaction is left open, and not merely under way in a thread that will commit it: such a one gets its time,
    on a busy machine more of it.
    """

    def is_inside() -> bool:
        try:
            return bool(connection.in_transaction)
        except Exception:  # noqa: BLE001 - closed, or a user's class that raises
            return False

    from hermetic.guard.census import patience, proc  # noqa: PLC0415 - only where a transaction is open

    return patience.outlasts(is_inside, is_worked_on=proc.others_run)


def _roll_back(connection: Any) -> str:
    connection.rollback()
    return "rolled back"
