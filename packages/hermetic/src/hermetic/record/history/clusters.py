"""
Tests that fail together, which mostly have one cause.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def co_failures(failed_in: Mapping[str, Collection[object]], *, cut: float = 0.5) -> list[list[str]]:
    """
    Group tests by the runs in which they failed.

    Args:
        failed_in: the runs in which each test failed; a test without any is left out.
        cut: how far apart two groups may be, on average, to become one; 0 (the same runs) to 1 (no run in common).

    Returns:
        Groups of at least two, the largest first, each sorted.

    Source: Jaccard distance with average linkage, as in Parry et al., Systemic flakiness (2025).
    """
    names = sorted(name for name in failed_in if failed_in[name])
    runs = [frozenset(failed_in[name]) for name in names]
    groups = {i: [name] for i, name in enumerate(names)}
    # Each pair is compared once; a group's mean distance then follows from those of the two that it was made of.
    # Source: G. N. Lance and W. T. Williams, A general theory of classificatory sorting strategies, Computer Journal 9 (1967).
    apart = {
        (i, j): 1.0 - len(runs[i] & runs[j]) / len(runs[i] | runs[j])
        for i, j in itertools.combinations(range(len(names)), 2)
    }
    while apart:
        (one, other), best = min(apart.items(), key=lambda pair: (pair[1], pair[0]))
        if best > cut:
            break
        own, more = len(groups[one]), len(groups[other])
        for third in groups:
            if third not in {one, other}:
                mine, its = (min(one, third), max(one, third)), (min(other, third), max(other, third))
                apart[mine] = (own * apart[mine] + more * apart.pop(its)) / (own + more)
        del apart[one, other]
        groups[one] = sorted(groups[one] + groups.pop(other))
    return sorted((group for group in groups.values() if len(group) > 1), key=lambda group: (-len(group), group))
