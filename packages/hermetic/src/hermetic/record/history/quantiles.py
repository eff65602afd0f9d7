"""
Quantiles, without the standard library's `statistics`, which takes longer to load than a question to the history.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """
    The value below which a share of them lies, between neighbours in proportion.

    Raises:
        IndexError: there are no values.

    Source: definition 7 of Hyndman and Fan, Sample quantiles in statistical packages, American Statistician 50 (1996).
    """
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def median(values: Sequence[float]) -> float:
    """
    Raises:
        IndexError: there are no values.
    """
    return quantile(values, 0.5)
