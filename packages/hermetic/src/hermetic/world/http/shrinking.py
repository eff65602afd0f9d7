"""
From a schedule under which something fails to the smallest one under which it still fails.

The result is 1-minimal: leave out any one of its entries and the failure is gone.

Source: Zeller & Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE Transactions on Software
Engineering 28(2), 2002, algorithm ddmin. A failure that depends on n entries together is found in at most
n^2 + 3n probes, one that depends on a single entry in about 2 log2 n.
"""

from __future__ import annotations

import inspect
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermetic.world.http import bounds
from hermetic.world.http.errors import NothingFailsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from hermetic.world.http.schedule import Entry, Schedule


@dataclass(frozen=True, slots=True)
class Shrunk:
    """
    What shrinking came to. `is_minimal` is False when the probes ran out first; the schedule still fails then.
    """

    schedule: Schedule
    probes: int
    is_minimal: bool


def shrink(schedule: Schedule, fails: Callable[[Schedule], bool], *, max_probes: int = 1000) -> Shrunk:
    """
    The smallest schedule for which `fails` is still true. Each probe calls `fails` once.

    Raises:
        NothingFailsError: the whole schedule does not fail.
        BoundsError: `max_probes` is below 1.
    """
    search = _search(schedule, bounds.count(max_probes, where="shrink(max_probes)"))
    try:
        probe = next(search)
        while True:
            probe = search.send(fails(probe))
    except StopIteration as stop:
        result: Shrunk = stop.value
        return result


async def ashrink(
    schedule: Schedule, fails: Callable[[Schedule], Awaitable[bool] | bool], *, max_probes: int = 1000
) -> Shrunk:
    """
    As `shrink`, for a `fails` that is awaited.
    """
    search = _search(schedule, bounds.count(max_probes, where="ashrink(max_probes)"))
    try:
        probe = next(search)
        while True:
            answer = fails(probe)
            probe = search.send(bool(await answer if inspect.isawaitable(answer) else answer))
    except StopIteration as stop:
        result: Shrunk = stop.value
        return result


def _search(schedule: Schedule, max_probes: int) -> Generator[Schedule, bool, Shrunk]:
    known: dict[tuple[Entry, ...], bool] = {}
    entries = tuple(sorted(schedule, key=lambda entry: (entry.identity, entry.purpose)))
    if not (yield schedule):
        raise NothingFailsError(schedule=repr(schedule))
    known[entries] = True
    probes = 1
    parts = 2
    while len(entries) >= 1:
        smaller, widened = None, False
        for candidate, restart in _candidates(entries, parts):
            if candidate not in known:
                if probes >= max_probes:
                    return Shrunk(schedule.only(entries), probes, is_minimal=False)
                probes += 1
                known[candidate] = yield schedule.only(candidate)
            if known[candidate]:
                smaller, widened = candidate, restart
                break
        if smaller is not None:
            parts = 2 if widened else max(parts - 1, 2)
            entries = smaller
        elif parts < len(entries):
            parts = min(len(entries), 2 * parts)
        else:
            break
    return Shrunk(schedule.only(entries), probes, is_minimal=True)


def _candidates(entries: tuple[Entry, ...], parts: int) -> Sequence[tuple[tuple[Entry, ...], bool]]:
    """
    The parts alone, which start the search over when one fails, then all but one part each.
    """
    if len(entries) == 1:
        return [((), True)]
    edges = [len(entries) * i // parts for i in range(parts + 1)]
    cuts = list(itertools.pairwise(edges))
    alone = [(entries[low:high], True) for low, high in cuts]
    return alone + [((*entries[:low], *entries[high:]), False) for low, high in cuts if parts > 2]
