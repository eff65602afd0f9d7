"""
IP Monitor watches a machine's public IP address.
"""

from ip_monitor._version import __version__

__all__ = ["__version__"]
