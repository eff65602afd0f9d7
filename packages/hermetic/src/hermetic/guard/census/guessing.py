"""
The line of something that nothing saw happen: found by reading the owner's code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from hermetic.guard import late

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermetic.foundation.finding import Owner

Origin: TypeAlias = tuple[tuple[str, int, str], ...]


def guess(owner: Owner, calls: Sequence[str]) -> tuple[Origin, str]:
    """
    Where the owner's code first names one of `calls`, or else where it begins; and what to say about that line. Nobody
    knows a name for what code written in C does: then `calls` is empty.
    """
    suspects = late.load("hermetic.guard.isolation.suspects")
    site = suspects.suspect(owner.defined, calls, calls[0]) if calls else None
    if site is not None:
        frames: Origin = tuple((one.file, one.line, one.function) for one in site.frames)
        return frames, "nothing saw it happen: the line is the first in the owner's code that can do this"
    defined = owner.defined
    if defined is None:
        return (), "nothing saw it happen"
    return ((defined.file, defined.line, defined.function),), "nothing saw it happen: the line is the owner's first"
