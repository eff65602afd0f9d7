"""
Which test or fixture a thing belongs to, and when it must be gone.
"""

from hermetic.guard.ownership.roll import Roll
from hermetic.guard.ownership.tenure import Tenure

__all__ = ["Roll", "Tenure"]
