"""
Faults on real sockets.
"""

from hermetic.world.http.faults.model import Fault
from hermetic.world.http.faults.rules import FaultRule

__all__ = ["Fault", "FaultRule"]
