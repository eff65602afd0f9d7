"""
Allocations as a table in the manner of a flame graph: callers above what they call, each with its share as a bar.
"""

from __future__ import annotations

import linecache
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hermetic.foundation import Frame
    from hermetic.guard.limits.allocations import Allocation

_WIDTH = 20
_LEAST_SHARE = 0.02
_MOST_LINES = 40
_LONGEST = 60


@dataclass(slots=True)
class _Node:
    size: int = 0
    below: dict[Frame, _Node] = field(default_factory=dict["Frame", "_Node"])


def table(allocations: Sequence[Allocation]) -> list[str]:
    """
    One line a stack frame, indented below its caller, the largest first; what is less than 2 % of all that grew is left
    out, and so is everything after 40 lines.
    """
    root = _Node()
    for one in allocations:
        if one.size_bytes > 0:
            _add(root, one)
    lines = list(_lines(root, root.size, 0)) if root.size else []
    return lines if len(lines) <= _MOST_LINES else [*lines[:_MOST_LINES], f"… {len(lines) - _MOST_LINES} more lines"]


def _add(root: _Node, one: Allocation) -> None:
    root.size += one.size_bytes
    node = root
    for frame in reversed(one.site.frames):
        node = node.below.setdefault(frame, _Node())
        node.size += one.size_bytes


def _lines(node: _Node, total: int, depth: int) -> Iterator[str]:
    for frame, below in sorted(node.below.items(), key=lambda pair: -pair[1].size):
        share = below.size / total
        if share < _LEAST_SHARE:
            continue
        bar = "█" * max(1, round(share * _WIDTH))
        source = linecache.getline(frame.file, frame.line).strip()
        source = source if len(source) <= _LONGEST else source[: _LONGEST - 1] + "…"
        place = f"{'  ' * depth}{frame.file}:{frame.line}  {source}".rstrip()
        yield f"{size(below.size):>9} {share:>5.0%} {bar:<{_WIDTH}} {place}"
        yield from _lines(below, total, depth + 1)


def size(number: float, *, sign: bool = False) -> str:
    """
    Bytes as people read them, in units of 1024.
    """
    mark = "+" if sign and number > 0 else ""
    for unit in ("B", "KB", "MB"):
        if abs(number) < 1024:
            return f"{mark}{number:.0f} {unit}" if unit == "B" else f"{mark}{number:.1f} {unit}"
        number /= 1024
    return f"{mark}{number:.1f} GB"
