"""
SQLite connections of the standard library's sqlite3.

Each one is seen through the audit event `sqlite3.connect/handle`, which passes the connection itself, also when
`connect` was imported under another name (Source: CPython, Modules/_sqlite/connection.c). A connection cannot be
referenced weakly, so the ledger holds it; a connection that only the ledger holds was dropped unclosed. A dropped one
inside a transaction keeps others from writing, so it is let go at the next connect, as it would be without Hermetic.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard import audit
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake

# Dropped connections that are held for the report use up descriptors that the collector might have freed by now.
_HELD_AT_MOST = 64


class SqliteConnections(Basic):
    kind = "sqlite3.connection"
    noun = "SQLite connection"
    title = "SQLite connection"
    holds = True
    rank = 30
    remedy = Remedy(
        text="`with sqlite3.connect(…)` commits but does not close. Close it where it was opened:",
        code=(
            "with contextlib.closing(sqlite3.connect(path)) as connection:\n"
            "    with connection:  # commits, or rolls back on an exception\n"
            "        connection.execute(…)"
        ),
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        last = threading.local()

        def connecting(arguments: tuple[Any, ...]) -> None:
            last.database = arguments[0]

        def connected(arguments: tuple[Any, ...]) -> None:
            self._sweep(intake)
            # Above this function: the audit hook, then whoever called connect.
            intake.opened(self, arguments[0], skip=3, note=_database(getattr(last, "database", "")))

        stops = [audit.listen("sqlite3.connect", connecting), audit.listen("sqlite3.connect/handle", connected)]

        def undo() -> None:
            for stop in stops:
                stop()

        return undo

    _sweep_from = _HELD_AT_MOST

    def _sweep(self, intake: Intake) -> None:
        held = intake.held(self.kind)
        is_full = len(held) > self._sweep_from
        left = len(held)
        for entry in held:
            connection = entry()
            if is_closed(connection):
                intake.let_go(entry, was_dropped=False)
                left -= 1
            elif is_full or connection.in_transaction:
                del connection  # it would count as a reference
                if entry.is_dropped():
                    intake.let_go(entry, was_dropped=True)
                    left -= 1
        if is_full:
            # Asking each of many that are held on purpose costs more with each one: next when there are twice as many.
            self._sweep_from = max(_HELD_AT_MOST, 2 * left)

    def is_open(self, resource: sqlite3.Connection) -> bool:
        return not is_closed(resource)

    def subject(self, resource: sqlite3.Connection, note: str) -> str:
        name = "" if type(resource).__module__ == "sqlite3" else f" ({type(resource).__qualname__})"
        return f"{note or 'unknown database'}{name}"

    def evidence(self, resource: sqlite3.Connection) -> list[str]:
        lines: list[str] = []
        if resource.in_transaction:
            lines.append("it is inside a transaction that was neither committed nor rolled back")
        return lines

    def mend(self, resource: sqlite3.Connection) -> str:
        resource.close()
        return "closed"


def is_closed(connection: sqlite3.Connection) -> bool:
    # Any attribute that needs the open database raises; this one costs least and works from any thread.
    try:
        return connection.total_changes < 0
    except Exception:  # noqa: BLE001 - ProgrammingError, without importing sqlite3 for those who do not use it
        return True


def _database(argument: object) -> str:
    if isinstance(argument, bytes):
        return argument.decode(errors="backslashreplace")
    if isinstance(argument, str):
        return argument
    return getattr(argument, "__fspath__", lambda: safe_repr(argument))()
