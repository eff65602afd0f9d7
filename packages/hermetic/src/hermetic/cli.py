"""
The `hermetic` command.
"""

from __future__ import annotations

import click

from hermetic._version import __version__


@click.group()
@click.version_option(__version__, prog_name="hermetic")
def main() -> None:
    """
    Makes asynchronous integration tests trustworthy.
    """
