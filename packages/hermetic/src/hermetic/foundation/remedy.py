"""
What to do about a finding. A module of its own, since every kind of resource carries one from the start of a run, and
the records of findings are needed only when something was found.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """
    What to do: a sentence, and code that a user can paste.
    """

    text: str
    code: str = ""
