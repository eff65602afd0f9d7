"""
A broken rule, as it is told at the end of a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Violation:
    """
    Attributes:
        side: "request", what the bot sent; "answer" or "event", what the double gave, which is a defect of the double.
        where: method and route, or the name of the event.
        path: the field, as in `embeds[0].title`.
        rule: what is broken.
    """

    side: Literal["request", "answer", "event"]
    where: str
    path: str
    rule: str

    def __str__(self) -> str:
        return f"{self.side} {self.where}: {self.path or 'the body'}: {self.rule}"
