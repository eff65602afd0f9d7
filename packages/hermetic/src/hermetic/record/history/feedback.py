"""
In which order tests tell most in the least time.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from hermetic.record.history.quantiles import median

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A test whose newest failure lies so many runs back at most has failed of late.
OF_LATE = 10
# What a test costs pytest at least, in seconds.
_LEAST_S = 0.001


class Known(NamedTuple):
    """
    What is known of one test: tries and failures that counted, seconds that it takes when it passes (below 0 when it never
    did), and how many runs ago it failed last, 0 for the newest run; below 0 when not of late.
    """

    tries: int
    failures: int
    duration_s: float
    failed_ago: int


def order(tests: Iterable[str], known: Mapping[str, Known]) -> list[str]:
    """
    Those that failed of late first, the newest failure and then the quickest before the others; after them all others by
    information a second.

    The information of a test is the entropy of its next outcome, in bits, with the failure rate (failures + 1/2) / (tries + 1):
    one bit for a test that was never run, next to none for one that always passes. The tests of a file stay together, since
    they share its fixtures, and so do those of a class: files are ordered by their bits a second, within them classes, within
    those tests.

    Args:
        tests: their names as pytest has them, each once, in the order of collection, which decides between equals.
        known: the history's knowledge; a test that is not there is new, and takes as long as the median of the others.

    Source: Shannon's entropy of the posterior mean under Jeffreys' prior; bits a second after Smith's rule for one machine,
    W. E. Smith, Various optimizers for single-stage production, Naval Research Logistics Quarterly 3 (1956).
    """
    names = list(tests)
    takes = [one.duration_s for one in known.values() if one.duration_s >= 0]
    new = Known(0, 0, median(takes) if takes else 1.0, -1)
    about = {name: known.get(name, new) for name in names}
    first = [name for name in names if 0 <= about[name].failed_ago < OF_LATE]
    first.sort(key=lambda name: (about[name].failed_ago, about[name].duration_s))
    files: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    early = set(first)
    for name in names:
        if name not in early:
            # A parameter may have two colons as well.
            place = name.partition("[")[0].rpartition("::")[0]
            files[name.partition("::")[0]][place].append(name)

    def worth(several: Iterable[str]) -> float:
        bits = seconds = 0.0
        for name in several:
            one = about[name]
            bits += _entropy((one.failures + 0.5) / (one.tries + 1.0))
            seconds += max(_LEAST_S, one.duration_s if one.duration_s >= 0 else new.duration_s)
        return -bits / seconds

    rest: list[str] = []
    for classes in sorted(files.values(), key=lambda own: worth(name for several in own.values() for name in several)):
        for several in sorted(classes.values(), key=worth):
            rest += sorted(several, key=lambda name: worth([name]))
    return [*first, *rest]


def _entropy(rate: float) -> float:
    return -rate * math.log2(rate) - (1.0 - rate) * math.log2(1.0 - rate)


def to_text(known: Mapping[str, Known]) -> str:
    """
    As one text, for another process.
    """
    return json.dumps(known)


def from_text(text: str) -> dict[str, Known]:
    return {name: Known(*values) for name, values in json.loads(text).items()}
