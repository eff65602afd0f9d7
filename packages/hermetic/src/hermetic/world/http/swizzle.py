"""
Which servers go down in which order, and come back in which other: drawn from a seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hermetic.foundation.clock import SystemClock
from hermetic.foundation.sink import NullSink
from hermetic.world.http.draws import SeededDraws
from hermetic.world.http.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Step:
    """
    One change of a swizzle.
    """

    server: str
    change: Literal["down", "up"]


def swizzle_plan(names: Sequence[str], *, seed: int, name: str, nth: int, everyone: bool = False) -> list[Step]:
    """
    A random non-empty subset of `names` down one by one, then up one by one; with two or more, in another order.

    Args:
        names: of the servers.
        seed: equal arguments give equal plans.
        name: of the cluster.
        nth: which of its swizzles.
        everyone: take all names instead of a subset.
    """
    draws = SeededDraws(seed, server=name, clock=SystemClock(), sink=NullSink())
    who = Identity(name, "swizzle", "", nth)

    def shuffled(purpose: str, of: Sequence[str]) -> list[str]:
        keyed = sorted((draws.uniform(who, purpose, index), one) for index, one in enumerate(of))
        return [one for _, one in keyed]

    size = len(names) if everyone else 1 + int(draws.uniform(who, "size") * len(names))
    down = shuffled("down", names)[:size]
    up = shuffled("up", down)
    if up == down and len(down) > 1:
        up = [*down[1:], down[0]]
    return [*(Step(one, "down") for one in down), *(Step(one, "up") for one in up)]
