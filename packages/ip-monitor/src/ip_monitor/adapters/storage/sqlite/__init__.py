"""
The address, its history, its ballots and its deliveries in one SQLite file.
"""

from ip_monitor.adapters.storage.sqlite.errors import (
    DatabaseCorruptError,
    DatabaseForeignError,
    DatabaseInUseError,
    DatabaseMissingError,
    DatabaseTooNewError,
)
from ip_monitor.adapters.storage.sqlite.maintenance import ImportRefusedError, Retention, RetentionRefusedError
from ip_monitor.adapters.storage.sqlite.storage import SQLiteIPStorage

__all__ = [
    "DatabaseCorruptError",
    "DatabaseForeignError",
    "DatabaseInUseError",
    "DatabaseMissingError",
    "DatabaseTooNewError",
    "ImportRefusedError",
    "Retention",
    "RetentionRefusedError",
    "SQLiteIPStorage",
]
