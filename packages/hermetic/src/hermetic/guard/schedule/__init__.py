"""
Time and order under control: virtual time, and seeded interleaving of tasks.
"""

from hermetic.guard.schedule.interleave import InterleavingError, Switch, interleave
from hermetic.guard.schedule.virtual import VirtualClock, VirtualTimeError

__all__ = ["InterleavingError", "Switch", "VirtualClock", "VirtualTimeError", "interleave"]
