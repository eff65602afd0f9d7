"""
The one stream of events of a run, as JSON Lines on disk.
"""

from hermetic.record.journal.line import SCHEMA_VERSION
from hermetic.record.journal.place import JournalError
from hermetic.record.journal.writer import JournalWriter

__all__ = ["SCHEMA_VERSION", "JournalError", "JournalWriter"]
