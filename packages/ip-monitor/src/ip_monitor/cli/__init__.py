"""
The `ip-monitor` command.
"""

from ip_monitor.cli.main import main

__all__ = ["main"]
