"""
A request of the bot with its answer, as the double noted it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False, slots=True)
class Exchange:
    """
    Attributes:
        route: method and template, as `POST /channels/{channel_id}/messages`; the bare path when there is no such route.
        begun: monotonic seconds of the double's clock.
        status: of the answer; None while there is none, or when it was withheld.
        fault: what the double did to it on demand.
    """

    method: str
    path: str
    route: str
    begun: float
    body: Any = None
    query: dict[str, str] = field(default_factory=dict[str, str])
    status: int | None = None
    answer: Any = None
    fault: str | None = None

    def __str__(self) -> str:
        outcome = self.fault or (str(self.status) if self.status is not None else "no answer yet")
        return f"{self.method} {self.path} → {outcome}"
