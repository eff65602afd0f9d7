"""
What Hermetic raises.

    HermeticError
    └── (each package defines its leaves beside the code that raises them)

Every leaf is frozen data with a computed text of three parts: what happened, with the values; where it came
from; what to do. A leaf also inherits the standard type that callers would catch (TimeoutError, ValueError).
"""

from __future__ import annotations


class HermeticError(Exception):
    """
    Base of every exception that Hermetic raises on purpose.
    """
