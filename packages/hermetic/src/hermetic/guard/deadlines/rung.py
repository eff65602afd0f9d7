"""
The rungs of the ladder that ends a hang.
"""

from __future__ import annotations

import enum


class Rung(enum.IntEnum):
    """
    How far the ladder had to go.
    """

    ARMED = 0
    CAPTURED = 1
    CANCELLED = 2
    INTERRUPTED = 3
    ENDED = 4
