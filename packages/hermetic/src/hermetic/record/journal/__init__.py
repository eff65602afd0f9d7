"""
The one stream of events of a run, as JSON Lines on disk.
"""

from hermetic.record.journal.line import SCHEMA_VERSION, encode
from hermetic.record.journal.writer import JournalError, JournalWriter

__all__ = ["SCHEMA_VERSION", "JournalError", "JournalWriter", "encode"]
