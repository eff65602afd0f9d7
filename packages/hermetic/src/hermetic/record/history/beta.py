"""
The beta distribution, as far as intervals for rates need it, on the standard library alone.
"""

from __future__ import annotations

import math

_TINY = 1e-300
_PRECISION = 1e-15
_MOST_TERMS = 100_000


def beta_cdf(x: float, a: float, b: float) -> float:
    """
    The regularised incomplete beta function I_x(a, b): the share of a Beta(a, b) distribution below `x`.

    Args:
        x: 0 to 1; outside of it the answer is 0 or 1.
        a: above 0.
        b: above 0.

    Raises:
        ValueError: a parameter is not above 0.

    Source: NIST Digital Library of Mathematical Functions, 8.17.22 (continued fraction) and 8.17.4 (symmetry); evaluated
    by the method of Lentz (1976) as modified by Thompson and Barnett (1986).
    """
    if not (a > 0 and b > 0):
        raise ValueError(f"beta_cdf: a = {a!r} and b = {b!r} must both be above 0")
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_cdf(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) * _continued_fraction(x, a, b) / a


def _continued_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < _PRECISION:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def beta_quantile(share: float, a: float, b: float) -> float:
    """
    The `x` below which `share` of a Beta(a, b) distribution lies, to within 1e-12.

    Raises:
        ValueError: a parameter is not above 0, or the share is not within 0 and 1.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"beta_quantile: share = {share!r} must be from 0 to 1")
    low, high = 0.0, 1.0
    # Bisection: the function is monotonous, and the derivative is 0 or infinite at the ends for the shapes in use here.
    for _ in range(200):
        middle = (low + high) / 2.0
        if beta_cdf(middle, a, b) < share:
            low = middle
        else:
            high = middle
        if high - low < 1e-13 * max(high, 1e-3):
            break
    return (low + high) / 2.0
