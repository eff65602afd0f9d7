"""
What the guard cannot see on this machine and this interpreter.

What it cannot see anywhere stands in the documentation; these depend on where it runs.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """
    Where the guard runs, as far as it matters to what it sees.
    """

    platform: str
    python: tuple[int, int]
    implementation: str
    is_root: bool
    counts_descriptors: bool
    lists_children: bool
    has_uvloop: bool

    @classmethod
    def here(cls) -> Surroundings:
        descriptors = Path("/proc/self/fd")
        try:
            counts = descriptors.stat().st_size > 0
        except OSError:
            counts = False
        return cls(
            platform=sys.platform,
            python=sys.version_info[:2],
            implementation=sys.implementation.name,
            is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
            counts_descriptors=counts,
            lists_children=Path(f"/proc/self/task/{os.getpid()}/children").exists(),
            has_uvloop="uvloop" in sys.modules,
        )


def blind_spots(here: Surroundings) -> list[str]:
    """
    A sentence for each thing that is not seen here and would be elsewhere.
    """
    found: list[str] = []
    if here.platform != "linux":
        found.append(
            f"{here.platform} has no /proc as Linux has: files left open, descriptors of other origin and orphaned "
            "processes are not seen"
        )
    else:
        if not here.counts_descriptors:
            found.append(
                "this kernel does not tell how many descriptors are open (Linux 6.2 and later do): one that C code opens "
                "above a gap in the numbers is missed"
            )
        if not here.lists_children:
            found.append("this kernel does not list children of processes: orphaned processes are not seen")
    if here.implementation != "cpython":
        found.append(
            f"{here.implementation} does not count references: whether a connection was dropped or is held is not told"
        )
    if here.python < (3, 12):
        found.append("Python before 3.12 tells nobody of threads that are started by _thread or by C code")
    if here.python >= (3, 14):
        found.append("Hermetic is tested on Python 3.11 to 3.13 more than on this one")
    if not here.is_root and here.platform != "win32":
        found.append(
            "only root can lower a nice value or raise a hard resource limit: such a change is told, not undone"
        )
    if here.has_uvloop:
        found.append("uvloop is loaded: what its servers accept for a protocol class of your own is not seen")
    return found
