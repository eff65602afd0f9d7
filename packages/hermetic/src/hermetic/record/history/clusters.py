"""
Tests that fail together, which mostly have one cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def co_failures(failed_in: Mapping[str, Collection[str]], *, cut: float = 0.5) -> list[list[str]]:
    """
    Group tests by the runs in which they failed.

    Args:
        failed_in: the runs in which each test failed; a test without any is left out.
        cut: how far apart two groups may be, on average, to become one; 0 (the same runs) to 1 (no run in common).

    Returns:
        Groups of at least two, the largest first, each sorted.

    Source: Jaccard distance with average linkage, as in Parry et al., Systemic flakiness (2025).
    """
    groups = [[name] for name in sorted(failed_in) if failed_in[name]]
    runs = {name: frozenset(where) for name, where in failed_in.items()}

    def distance(one: list[str], other: list[str]) -> float:
        pairs = [(runs[a], runs[b]) for a in one for b in other]
        return sum(1.0 - len(a & b) / len(a | b) for a, b in pairs) / len(pairs)

    while len(groups) > 1:
        best, i, j = min(
            (distance(groups[i], groups[j]), i, j) for i in range(len(groups)) for j in range(i + 1, len(groups))
        )
        if best > cut:
            break
        groups[i] = sorted(groups[i] + groups.pop(j))
    return sorted((group for group in groups if len(group) > 1), key=lambda group: (-len(group), group))
