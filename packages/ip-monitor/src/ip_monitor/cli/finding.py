"""
One thing that `ip-monitor doctor` looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One thing looked at.
    """

    topic: str
    state: Literal["ok", "warning", "wrong"]
    text: str
    remedy: str = ""
