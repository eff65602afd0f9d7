"""
What a run that was watched left on disk, read back. Written by the plugin, see `hermetic._pytest.resuming`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    How one test ended: "passed", "failed", "error", "skipped", "xfailed", "xpassed", or "lost" with its process.
    """

    nodeid: str
    outcome: str
    duration_s: float = 0.0
    text: str = ""

    @property
    def is_bad(self) -> bool:
        return self.outcome in {"failed", "error", "lost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    What one process of a run got done: the outcomes in order, the test that had begun and not ended when the process
    was gone, whether pytest came to its own end, and the status it gave then.
    """

    outcomes: tuple[Outcome, ...]
    running: str | None
    is_complete: bool
    status: int | None


def read_part(path: Path) -> Part:
    """
    Read a file that may end in the middle of a line, since its writer may have been killed.
    """
    outcomes: dict[str, Outcome] = {}
    running: dict[str, None] = {}
    is_complete, status = False, None
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    for line in text.splitlines():
        try:
            record: dict[str, Any] = json.loads(line)
        except ValueError:
            continue  # cut off by the death of its writer
        if "began" in record:
            running[str(record["began"])] = None
        elif "ended" in record:
            nodeid = str(record["ended"])
            running.pop(nodeid, None)
            outcomes[nodeid] = Outcome(
                nodeid=nodeid,
                outcome=str(record["outcome"]),
                duration_s=float(record["duration_s"]),
                text=str(record["text"]),
            )
        elif "session" in record:
            is_complete = record["session"] == "ended"
            status = int(record["status"])
    return Part(
        outcomes=tuple(outcomes.values()),
        running=next(reversed(running), None),
        is_complete=is_complete,
        status=status,
    )
