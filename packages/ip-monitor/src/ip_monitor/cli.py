"""
The `ip-monitor` command.
"""

from __future__ import annotations

import click

from ip_monitor._version import __version__


@click.group()
@click.version_option(__version__, prog_name="ip-monitor")
def main() -> None:
    """
    Watches this machine's public IP address.
    """
