"""
A run as its readers see it: tests with their tries, put together from the journals of all its processes.

Each name is imported when it is first asked for: who only needs the words for outcomes needs nothing that reads journals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.foundation.lazy import lazy_names

if TYPE_CHECKING:
    from hermetic.record.run.building import build
    from hermetic.record.run.model import Counts, Phase, Run, Test, Try, Worker
    from hermetic.record.run.outcomes import OUTCOMES

__all__ = ["OUTCOMES", "Counts", "Phase", "Run", "Test", "Try", "Worker", "build"]

_HOMES = {
    "OUTCOMES": ".outcomes",
    "build": ".building",
    **dict.fromkeys(("Counts", "Phase", "Run", "Test", "Try", "Worker"), ".model"),
}

__getattr__, __dir__ = lazy_names(__name__, names=__all__, homes=_HOMES)
