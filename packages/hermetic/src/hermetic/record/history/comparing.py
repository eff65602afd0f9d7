"""
Whether two conditions differ, when something changed, and what is slower than usual.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermetic.record.history.quantiles import median

if TYPE_CHECKING:
    from collections.abc import Sequence

# The normal distribution's standard deviation in units of its median absolute deviation.
_SIGMA_PER_MAD = 1.4826


def fisher_one_sided(*, failures: int, runs: int, other_failures: int, other_runs: int) -> float:
    """
    How probable so many failures or more under the first condition would be if it made no difference.

    Raises:
        ValueError: more failures than runs, or fewer than 0.

    Source: R. A. Fisher, Statistical methods for research workers (1934), 21.02; the hypergeometric tail.
    """
    for k, n in ((failures, runs), (other_failures, other_runs)):
        if not 0 <= k <= n:
            raise ValueError(f"{k} of {n} is no count: it must be from 0 to {n}")
    all_failures, total = failures + other_failures, runs + other_runs
    most = min(all_failures, runs)
    whole = _log_choose(total, all_failures)
    return min(
        1.0,
        sum(
            math.exp(_log_choose(runs, k) + _log_choose(other_runs, all_failures - k) - whole)
            for k in range(failures, most + 1)
            if all_failures - k <= other_runs
        ),
    )


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def is_slower_than_usual(duration_s: float, usual_s: Sequence[float]) -> bool:
    """
    Whether a duration stands out: by more than five robust standard deviations, by a fifth and by 50 ms at once.

    False for fewer than five earlier durations.

    Source: median and median absolute deviation, Leys et al., Journal of Experimental Social Psychology 49 (2013).
    """
    if len(usual_s) < 5:
        return False
    middle = median(usual_s)
    spread = _SIGMA_PER_MAD * median([abs(one - middle) for one in usual_s])
    more = duration_s - middle
    return more > 5.0 * spread and more > 0.2 * middle and more > 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """
    The outcomes from index `at` on follow another rate than those before; `factor` is the Bayes factor for that.
    """

    at: int
    factor: float
    rate_before: float
    rate_after: float


def change_point(passed: Sequence[bool], *, factor: float = 20.0) -> Change | None:
    """
    Where the failure rate changed, if that is likelier by more than `factor` than that it never did.

    The likelihood of a change is the mean over all places where it could be, so that looking at many places is paid for.

    Source: the marginal likelihood of a Bernoulli sequence under the prior Beta(1/2, 1/2), that is
    B(k + 1/2, n - k + 1/2) / B(1/2, 1/2); strength of evidence from 20 on, Kass and Raftery, JASA 90 (1995).
    """
    total = len(passed)
    if total < 2:
        return None
    failures = [0]
    for did_pass in passed:
        failures.append(failures[-1] + (not did_pass))
    without = _log_marginal(failures[-1], total)
    scores = [
        _log_marginal(failures[at], at) + _log_marginal(failures[-1] - failures[at], total - at) - without
        for at in range(1, total)
    ]
    largest = max(scores)
    log_factor = largest + math.log(sum(math.exp(one - largest) for one in scores) / len(scores))
    if log_factor <= math.log(factor):
        return None
    at = scores.index(largest) + 1
    return Change(
        at=at,
        factor=math.exp(min(log_factor, 700.0)),
        rate_before=failures[at] / at,
        rate_after=(failures[-1] - failures[at]) / (total - at),
    )


def _log_marginal(k: int, n: int) -> float:
    return math.lgamma(k + 0.5) + math.lgamma(n - k + 0.5) - math.lgamma(n + 1.0) - math.log(math.pi)
