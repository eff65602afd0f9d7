"""
Asking a running monitor for something, from another process of the same user.
"""

from ip_monitor.adapters.control.client import ControlUnavailableError, call
from ip_monitor.adapters.control.server import ControlServer

__all__ = ["ControlServer", "ControlUnavailableError", "call"]
