"""
Who did what to a running monitor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """
    Who asks for something.

    Attributes:
        name: a person or program, as the audit shows it; cut to 100 characters.
        via: the way it was asked, such as "command line", "discord" or "page".
    """

    name: str
    via: str

    def __post_init__(self) -> None:
        # What comes from outside must stay on one line of the audit.
        object.__setattr__(self, "name", " ".join(self.name.split())[:LONGEST_NAME] or "somebody")

    def __str__(self) -> str:
        return f"{self.name} ({self.via})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """
    One thing that somebody did, or tried.

    Attributes:
        action: the use case, such as "providers.disable".
        subject: what it was done to; empty for the whole monitor.
        before, after: what held then and what holds now, as texts; empty where there is nothing to compare.
        refused: why it was refused; empty when it was done.
    """

    at: datetime
    who: str
    via: str
    action: str
    subject: str = ""
    before: str = ""
    after: str = ""
    refused: str = ""
