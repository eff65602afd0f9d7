"""
What happened: journal, diagnosis, history, report.

Everything below is imported when it is first asked for: writing a journal needs nothing of what reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hermetic.record.journal.reading import Journal, NotAJournalError, UnknownEvent, read

__all__ = ["Journal", "NotAJournalError", "UnknownEvent", "read"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'hermetic.record' has no attribute {name!r}")
    from hermetic.record.journal import reading  # noqa: PLC0415 - see above

    return getattr(reading, name)
