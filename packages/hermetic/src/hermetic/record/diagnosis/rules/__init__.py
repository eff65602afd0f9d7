"""
All rules, in the order in which they are asked: those that explain most of what else is seen come first.
"""

from typing import Final

from hermetic.record.diagnosis.model import Rule
from hermetic.record.diagnosis.rules import loops, objects, order, surroundings, timing

RULES: Final[tuple[Rule, ...]] = (
    *objects.RULES,
    *loops.RULES,
    *surroundings.RULES,
    *timing.RULES,
    *order.RULES,
)

__all__ = ["RULES"]
