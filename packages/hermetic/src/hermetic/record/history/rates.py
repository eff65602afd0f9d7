"""
What a row of outcomes says: flips, entropy, rates that forget, and whether a failure was spurious.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def flip_rate(passed: Sequence[bool]) -> float:
    """
    The share of neighbouring runs, oldest first, whose outcomes differ; 0 for fewer than two.

    Source: flip rate in Kowalczyk et al., Modeling and ranking flaky tests at Apple, ICSE-SEIP 2020.
    """
    if len(passed) < 2:
        return 0.0
    return sum(one != other for one, other in itertools.pairwise(passed)) / (len(passed) - 1)


def entropy(passed: Iterable[bool]) -> float:
    """
    How undecided the outcomes are, in bits: 0 when all are alike, 1 when half of them fail.

    Source: Shannon's entropy; as a score of flakiness in Kowalczyk et al., ICSE-SEIP 2020.
    """
    outcomes = list(passed)
    share = sum(outcomes) / len(outcomes) if outcomes else 0.0
    return -sum(p * math.log2(p) for p in (share, 1.0 - share) if p > 0.0)


def decayed_failure_rate(outcomes: Iterable[tuple[float, bool]], *, now: float, half_life_s: float) -> float:
    """
    The failure rate in which an outcome counts half for every `half_life_s` seconds of its age; 0 without outcomes.

    Args:
        outcomes: the moment in seconds since the epoch, and whether it passed. Moments after `now` count as `now`.
        now: in seconds since the epoch.
        half_life_s: above 0.

    Raises:
        ValueError: `half_life_s` is not above 0.
    """
    if not half_life_s > 0.0:
        raise ValueError(f"half_life_s = {half_life_s!r} must be above 0 seconds")
    total = failed = 0.0
    for at, did_pass in outcomes:
        weight = 0.5 ** (max(0.0, now - at) / half_life_s)
        total += weight
        failed += weight * (not did_pass)
    return failed / total if total else 0.0


def suite_red_share(rates: Iterable[float]) -> float:
    """
    The share of runs that are red although nothing is broken, when tests fail on their own with these rates.

    Raises:
        ValueError: a rate is not within 0 and 1.

    Source: 1 - prod(1 - p), for independent failures.
    """
    green = 1.0
    for rate in rates:
        if not 0.0 <= rate <= 1.0:
            raise ValueError(f"rate = {rate!r} must be from 0 to 1")
        green *= 1.0 - rate
    return 1.0 - green


def spurious_probability(by_code: Iterable[tuple[str, bool]], *, prior_failure_rate: float = 0.05) -> float:
    """
    The probability that this test's next failure is spurious, that is, would not come again on the same code.

    Every version of the code with both outcomes shows a spurious failure; a version whose runs all failed may be broken,
    or may have failed spuriously each time. With f, the rate of spurious failures on code that is sound, and b, the
    share of versions that break the test, the answer is f (1 - b) / (f (1 - b) + b). Both are posterior means: f over
    the runs of versions that passed at least once, with the prior Beta(2 r, 2 (1 - r)) for r = `prior_failure_rate`;
    b over versions, each weighed by how likely its failures were not spurious, with the prior Beta(1/2, 19/2).

    Args:
        by_code: the version of the code (commit and changes), and whether the test passed, in any order.
        prior_failure_rate: what is expected before anything was seen; between 0 and 1.

    Returns:
        0 to 1. Without any outcome, what the priors say.

    Source: the model of Facebook's Probabilistic Flakiness Score (Machalica et al., 2020), reduced to conjugate means.
    """
    if not 0.0 < prior_failure_rate < 1.0:
        raise ValueError(f"prior_failure_rate = {prior_failure_rate!r} must lie between 0 and 1")
    versions: defaultdict[str, list[bool]] = defaultdict(list)
    for code, did_pass in by_code:
        versions[code].append(did_pass)
    sound = [outcomes for outcomes in versions.values() if any(outcomes)]
    runs = sum(map(len, sound))
    failed = sum(outcomes.count(False) for outcomes in sound)
    spurious = (failed + 2.0 * prior_failure_rate) / (runs + 2.0)
    broken = 0.0
    for outcomes in versions.values():
        if not any(outcomes):
            by_chance = spurious ** len(outcomes)
            broken += 1.0 - by_chance / (by_chance + 0.05)
    breaking = (broken + 0.5) / (len(versions) + 10.0)
    return spurious * (1.0 - breaking) / (spurious * (1.0 - breaking) + breaking)
