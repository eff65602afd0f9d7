"""
What can be wrong with a history, and what to do.

    HermeticError
    └── HistoryError (ValueError)
"""

from __future__ import annotations

from hermetic.errors import HermeticError


class HistoryError(HermeticError, ValueError):
    """
    A file that is no history, or cannot be read or written.

    Args:
        what: what was wrong, with the value.
        where: the file, with a line where there is one.
        remedy: what to do.
    """

    def __init__(self, what: str, *, where: str, remedy: str) -> None:
        super().__init__(f"{what}\n  in {where}\n  {remedy}")
        self.what = what
        self.where = where
        self.remedy = remedy
