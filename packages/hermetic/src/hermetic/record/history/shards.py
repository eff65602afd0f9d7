"""
A suite in parts that take equally long, the same on every machine that knows the same durations.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def split(tests: Iterable[str], durations: Mapping[str, float], *, parts: int) -> list[set[str]]:
    """
    Share tests out over machines by how long they take.

    The tests of a file stay together, since they share its fixtures, unless the file takes more than half of a part's time.
    The longest is given first, each to the part that has the least so far. The order in which tests come does not matter.

    Args:
        tests: their names, each once.
        durations: in seconds; a test that is not there counts as the median of those that are, or as one second.
        parts: how many; from 1 on.

    Returns:
        As many sets as parts, which together hold every test once.

    Raises:
        ValueError: fewer than one part.

    Source: R. L. Graham, Bounds on multiprocessing timing anomalies (1969): longest processing time first takes at most
    4/3 of the best possible time.
    """
    if parts < 1:
        raise ValueError(f"parts = {parts!r} must be 1 or more")
    names = sorted(tests)
    known = [durations[name] for name in names if name in durations]
    usual = median(known) if known else 1.0
    takes = {name: durations.get(name, usual) for name in names}
    files: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        files[name.partition("::")[0]].append(name)
    most = sum(takes.values()) / parts / 2
    units: list[list[str]] = []
    for own in files.values():
        is_whole = sum(takes[name] for name in own) <= most
        units += [own] if is_whole else [[name] for name in own]
    units.sort(key=lambda unit: (-sum(takes[name] for name in unit), unit[0]))
    shares: list[set[str]] = [set() for _ in range(parts)]
    loads = [0.0] * parts
    for unit in units:
        # Of parts that have equally much the one with the fewest tests, so that tests that take no time are shared out too.
        least = min(range(parts), key=lambda part: (loads[part], len(shares[part]), part))
        shares[least].update(unit)
        loads[least] += sum(takes[name] for name in unit)
    return shares


def digest(tests: Iterable[str], durations: Mapping[str, float]) -> str:
    """
    Eight hexadecimal digits of what a split depends on: machines that show the same ones split alike.
    """
    text = "\n".join(f"{name}\t{durations.get(name, -1.0)!r}" for name in sorted(tests))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
