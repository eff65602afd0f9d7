"""
What a request may weigh before it is refused.
"""

from __future__ import annotations

from hermetic.world.http import bounds


class Limits:
    """
    In bytes: a longer head is refused with 431, a longer body with 413.

    Raises:
        BoundsError: not a whole number; a head has at least one byte.
    """

    __slots__ = ("body_bytes", "head_bytes")

    def __init__(self, *, head_bytes: int = 65_536, body_bytes: int = 64 * 1024 * 1024) -> None:
        self.head_bytes = bounds.count(head_bytes, where="Limits(head_bytes)")
        self.body_bytes = bounds.count(body_bytes, where="Limits(body_bytes)", least=0)
