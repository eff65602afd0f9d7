"""
aiosqlite's connections: each keeps a thread and a sqlite3 connection; one left open hangs the interpreter's exit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wrapping import all_of, at_creation

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.tracker import Intake


class AiosqliteConnections(Basic):
    kind = "aiosqlite.connection"
    noun = "aiosqlite connection"
    title = "aiosqlite connection"
    rank = 65
    remedy = Remedy(
        text="Connect inside a with, which closes it:", code="async with aiosqlite.connect(path) as database:\n    …"
    )

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def install(self, intake: Intake) -> Callable[[], None]:
        undoes: list[Callable[[], None]] = []
        self._arrivals.when(
            "aiosqlite.core", lambda module: undoes.append(at_creation(module.Connection, self, intake))
        )
        return all_of(undoes)

    def is_open(self, resource: Any) -> bool:
        # Before 0.22 the connection is the thread itself.
        thread = getattr(resource, "_thread", resource)
        return bool(thread.is_alive())

    def subject(self, resource: Any, note: str) -> str:
        del note
        connector: Any = resource._connector  # noqa: SLF001 - the path is nowhere else
        cells = [cell.cell_contents for cell in connector.__closure__ or ()]
        paths = [str(cell) for cell in cells if isinstance(cell, (str, bytes)) or hasattr(cell, "__fspath__")]
        return paths[0] if paths else "unknown database"

    def mend(self, resource: Any) -> str:
        thread = getattr(resource, "_thread", resource)
        resource.stop()
        thread.join(1.0)
        if thread.is_alive():
            raise TimeoutError("its thread did not end within 1 s: a statement is still running")
        return "closed"
