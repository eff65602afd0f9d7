"""
Budgets: seconds that came from code, a marker, an ini file or a command line, checked before anything waits on them.
"""

from __future__ import annotations

import math

from hermetic.errors import HermeticError

OFF = frozenset({"none", "off"})


class BudgetError(HermeticError, ValueError):
    """
    A deadline that is no number of seconds.

    Attributes:
        value: What was given.
        source: Where it was given, as a reader finds it ("the marker in test_a.py:12").
        reason: Why it cannot be a deadline.
    """

    def __init__(self, value: object, *, source: str, reason: str) -> None:
        super().__init__(value, source, reason)
        self.value = value
        self.source = source
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return _budget_error, (self.value, self.source, self.reason)

    def __str__(self) -> str:
        return (
            f"invalid deadline {self.value!r} from {self.source}: {self.reason}. "
            "Give a number of seconds greater than 0, such as 2.5."
        )


def _budget_error(value: object, source: str, reason: str) -> BudgetError:
    return BudgetError(value, source=source, reason=reason)


def seconds(value: object, *, source: str) -> float:
    """
    `value` as a budget in seconds: an int or a float, finite, greater than 0.

    Raises:
        BudgetError: it is anything else; True and "5" are refused too, since they are mistakes more often than meant.
    """
    if isinstance(value, bool):
        raise BudgetError(value, source=source, reason="a truth value is no number of seconds")
    if not isinstance(value, int | float):
        raise BudgetError(value, source=source, reason=f"a {type(value).__name__} is no number of seconds")
    if math.isnan(value):
        raise BudgetError(value, source=source, reason="NaN compares with nothing, so it would never pass")
    if math.isinf(value):
        raise BudgetError(value, source=source, reason="an endless deadline is none; leave it out")
    if value <= 0:
        raise BudgetError(value, source=source, reason="it has passed before it begins")
    return float(value)


def seconds_or_off(value: object, *, source: str) -> float | None:
    """
    Like `seconds`, with None for "there is no such deadline".
    """
    return None if value is None else seconds(value, source=source)


def parse_seconds(text: str, *, source: str) -> float | None:
    """
    A budget written in a file or on a command line: a decimal number of seconds, or `none` / `off` for no deadline.

    Raises:
        BudgetError: the text is neither.
    """
    word = text.strip().lower()
    if word in OFF:
        return None
    try:
        number = float(word)
    except ValueError as error:
        raise BudgetError(text, source=source, reason="it is neither a number nor 'none'") from error
    return seconds(number, source=source)


def describe_seconds(value: float) -> str:
    """
    Seconds as people say them: at most three significant figures, so that 0.30000000000000004 reads as 0.3 s.
    """
    return f"{value:.3g} s" if value < 1000 else f"{value:.0f} s"
