"""
The ranges that numbers from users must lie in, checked where they enter so that a draw never meets a bad one.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from hermetic.world.http.errors import BoundsError


def number(value: object, *, where: str, allowed: str = "a finite number") -> float:
    """
    `value` as a finite float.

    Raises:
        BoundsError: it is no number, a bool, an infinity or NaN.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BoundsError(where=where, value=value, allowed=allowed)
    return float(value)


def duration(value: object, *, where: str, zero: bool = True) -> float:
    """
    Seconds: finite and not negative, and above 0 when `zero` is False.

    Raises:
        BoundsError: it is not.
    """
    allowed = "finite seconds, 0 or more" if zero else "finite seconds above 0"
    seconds = number(value, where=where, allowed=allowed)
    if seconds < 0 or (seconds == 0 and not zero):
        raise BoundsError(where=where, value=value, allowed=allowed)
    return seconds


def rate(value: object, *, where: str) -> float:
    """
    A probability from 0 (never) to 1 (always).

    Raises:
        BoundsError: it is not in [0, 1]; 20 for "20 %" is the usual mistake, and is named.
    """
    allowed = "a rate from 0 (never) to 1 (always)"
    given = number(value, where=where, allowed=allowed)
    if not 0 <= given <= 1:
        hint = f"; for {given:g} % write {given / 100:g}" if 1 < given <= 100 else ""
        raise BoundsError(where=where, value=value, allowed=allowed + hint)
    return given


def several(value: Any) -> list[Any]:
    """
    The members of a collection; anything else, texts and bytes included, as the only one.
    """
    if isinstance(value, Collection) and not isinstance(value, str | bytes):
        return list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # anything may be given
    return [value]


def one_of(value: object, options: tuple[str, ...], *, where: str) -> None:
    """
    Raises:
        BoundsError: `value` is none of the options.
    """
    if value not in options:
        raise BoundsError(where=where, value=value, allowed=f"one of {', '.join(map(repr, options))}")


def count(value: object, *, where: str, least: int = 1) -> int:
    """
    A whole number of at least `least`.

    Raises:
        BoundsError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BoundsError(where=where, value=value, allowed=f"a whole number, {least} or more")
    return value
