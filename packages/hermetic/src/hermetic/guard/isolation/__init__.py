"""
Process state as each test found it: stains are found, named and wiped.
"""

from hermetic.guard.isolation.default import default_states
from hermetic.guard.isolation.keeper import Isolation
from hermetic.guard.isolation.own import OwnCode
from hermetic.guard.isolation.trail import Trail
from hermetic.guard.ownership.tenure import MODES, Mode

__all__ = ["MODES", "Isolation", "Mode", "OwnCode", "Trail", "default_states"]
